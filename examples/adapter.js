// An incremental flashcopy in memory that speaks docs/protocol.md: node adapter.js
const readline = require("readline");
const need = (condition, kind) => { if (!condition) throw Object.assign(Error(kind), { kind }); };
const isPower = (n) => n > 0 && Number.isInteger(Math.log2(n));
let fc = {}; // all there is of the relationship; its two maps have a byte a grain

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
    const grain = Math.floor(at / fc.grain_size);
    if (!fc.copied[grain]) copy(grain);
    fc.modified[grain] = 1; // a write to either side makes the two differ
  }
  return fc[volume].subarray(offset, offset + length);
}
const uncopied = () => [...fc.copied.keys()].filter((grain) => !fc.copied[grain]);
function pack(map) { // grain g is bit g % 8 of byte g / 8
  const bytes = Buffer.alloc(Math.ceil(map.length / 8));
  map.forEach((bit, grain) => { bytes[grain >> 3] |= bit << (grain & 7); });
  return bytes.toString("base64");
}

const methods = {
  hello: () => ({ protocol: 1, name: "example in JavaScript", version: "1", capabilities: [
    "target_write", "background_copy", "bitmaps", "stop", "write_zeroes"] }),
  create({ size, block_size, grain_size, target_writable }) {
    need(isPower(block_size) && block_size >= 512 && block_size <= 65536, "invalid_argument");
    need(isPower(grain_size) && grain_size >= block_size, "invalid_argument");
    need(size > 0 && size % block_size === 0, "invalid_argument");
    const copied = Buffer.alloc(Math.ceil(size / grain_size), 1); // the last grain may be short
    fc = { size, block_size, grain_size, target_writable, copied, modified: Buffer.from(copied) };
    fc.state = "idle", fc.source = Buffer.alloc(size), fc.target = Buffer.alloc(size);
  },
  start() {
    fc.state = "copying", fc.modified.fill(1); // then it is a sync of all there is
    methods.sync();
  },
  sync() {
    need(fc.state === "copying", "invalid_state");
    fc.modified.forEach((bit, grain) => { if (bit) fc.copied[grain] = 0; });
    fc.modified.fill(0);
  },
  stop() {
    if (fc.state === "copying") fc.state = uncopied().length > 0 ? "stopped" : "idle";
    fc.copied.fill(1); // whatever is not tracked counts as copied
  },
  read({ volume, offset, length }) {
    check(volume, offset, length);
    const data = Buffer.from(fc[volume].subarray(offset, offset + length));
    for (let at = offset; at < offset + length; at += fc.block_size) { // not copied: a fake read
      const isCopied = fc.copied[Math.floor(at / fc.grain_size)];
      if (!isCopied) fc.source.copy(data, at - offset, at, at + fc.block_size);
    }
    return { data: data.toString("base64") };
  },
  write({ volume, offset, data }) {
    const bytes = Buffer.from(data, "base64");
    bytes.copy(toBeWritten(volume, offset, bytes.length));
  },
  write_zeroes({ volume, offset, length }) { toBeWritten(volume, offset, length).fill(0); },
  flush({ volume }) { check(volume, 0, 0); },
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
  close() {},
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const answer = { jsonrpc: "2.0", id };
  try {
    answer.result = methods[method](params || {}) || {};
  } catch (error) {
    if (!error.kind) throw error; // a mistake of ours: the kit shows what node says of it
    answer.error = { code: -1, message: "", data: { kind: error.kind } };
  }
  console.log(JSON.stringify(answer));
  if (method === "close") process.exit();
});
