// An incremental flashcopy in memory that speaks docs/protocol.md: node adapter.js
const fs = require("fs"), net = require("net"), readline = require("readline"), v8 = require("v8");
const need = (condition, kind) => { if (!condition) throw Object.assign(Error(kind), { kind }); };
const isPower = (n) => n > 0 && Number.isInteger(Math.log2(n));
let file, fc = {}; // all there is of the relationship; its two maps have a byte a grain
const grainOf = (at) => Math.floor(at / fc.grain_size);
const uncopied = () => [...fc.copied.keys()].filter((grain) => !fc.copied[grain]);

function check(volume, offset, length) {
  const inside = offset >= 0 && length >= 0 && offset + length <= fc.size;
  const aligned = offset % fc.block_size === 0 && length % fc.block_size === 0;
  need(inside && aligned && ["source", "target"].includes(volume), "invalid_argument");
  need(volume === "source" || fc.state !== "stopped", "invalid_state");
}
function copy(grain) {
  const start = grain * fc.grain_size, end = Math.min(start + fc.grain_size, fc.size);
  fc.source.copy(fc.target, start, start, end);
  fc.copied[grain] = 1;
}
function toBeWritten(volume, offset, length) { // the bytes of the volume, ready to be changed
  need(volume !== "target" || fc.target_writable, "read_only");
  check(volume, offset, length);
  for (let at = offset; at < offset + length; at += fc.block_size) {
    if (!fc.copied[grainOf(at)]) copy(grainOf(at));
    fc.modified[grainOf(at)] = 1; // a write to either side makes the two differ
  }
  return fc[volume].subarray(offset, offset + length);
}
function pack(map) { // grain g is bit g % 8 of byte g / 8
  const bytes = Buffer.alloc(Math.ceil(map.length / 8));
  map.forEach((bit, grain) => { bytes[grain >> 3] |= bit << (grain & 7); });
  return bytes.toString("base64");
}
async function lock(directory) { // a socket's name, which is free again when this process ends
  const name = "\0" + fs.realpathSync(directory).slice(-100), server = net.createServer().unref();
  const isFree = (tell) => server.on("error", () => tell(false)).listen(name, () => tell(true));
  need(await new Promise(isFree), "invalid_argument");
  file = directory + "/state";
}
function save() { // the old state or the new one, whenever a kill comes
  fs.writeFileSync(file + ".new", v8.serialize(fc));
  fs.renameSync(file + ".new", file);
}
const methods = {
  hello: () => ({ protocol: 1, name: "example in JavaScript", version: "1", capabilities: [
    "target_write", "background_copy", "bitmaps", "stop", "write_zeroes", "restart"] }),
  async create({ directory, size, block_size, grain_size, target_writable }) {
    const ok = isPower(block_size) && isPower(grain_size) && size > 0 && size % block_size === 0;
    need(ok && block_size >= 512 && block_size <= Math.min(grain_size, 65536), "invalid_argument");
    await lock(directory);
    const copied = Buffer.alloc(Math.ceil(size / grain_size), 1); // the last grain may be short
    fc = { size, block_size, grain_size, target_writable, copied, modified: Buffer.from(copied) };
    fc.state = "idle", fc.source = Buffer.alloc(size), fc.target = Buffer.alloc(size), save();
  },
  async open({ directory }) { await lock(directory), fc = v8.deserialize(fs.readFileSync(file)); },
  start() { fc.state = "copying", fc.modified.fill(1), methods.sync(); }, // a sync of all there is
  sync() {
    need(fc.state === "copying", "invalid_state");
    fc.modified.forEach((bit, grain) => { if (bit) fc.copied[grain] = 0; });
    fc.modified.fill(0), save();
  },
  stop() {
    if (fc.state === "copying") fc.state = uncopied().length > 0 ? "stopped" : "idle";
    fc.copied.fill(1), save(); // whatever is not tracked counts as copied
  },
  read({ volume, offset, length }) {
    check(volume, offset, length);
    const data = Buffer.from(fc[volume].subarray(offset, offset + length));
    for (let at = offset; at < offset + length; at += fc.block_size) // not copied: a fake read
      if (!fc.copied[grainOf(at)]) fc.source.copy(data, at - offset, at, at + fc.block_size);
    return { data: data.toString("base64") };
  },
  write({ volume, offset, data }) {
    toBeWritten(volume, offset, Buffer.byteLength(data, "base64")).write(data, "base64");
  },
  write_zeroes({ volume, offset, length }) { toBeWritten(volume, offset, length).fill(0); },
  flush({ volume }) { check(volume, 0, 0), save(); },
  background_copy({ grains }) {
    need(grains === null || grains >= 0, "invalid_argument");
    return { copied: uncopied().slice(0, grains ?? undefined).map(copy).length };
  },
  status() {
    const grains = fc.copied.length, left = uncopied().length;
    const state = fc.state === "copying" && left === 0 ? "copied" : fc.state;
    return { state, copied: grains - left, grains };
  },
  bitmaps: () => ({ copied: pack(fc.copied), modified: pack(fc.modified) }),
  close: () => file && save(),
};
(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line), answer = { jsonrpc: "2.0", id };
    try { answer.result = await methods[method](params || {}) || {}; } catch (error) {
      if (!error.kind) throw error; // a mistake of ours: the kit shows what node says of it
      answer.error = { code: -1, message: "", data: { kind: error.kind } };
    }
    console.log(JSON.stringify(answer));
    if (method === "close") process.exit();
  }
})();
