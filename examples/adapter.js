// An incremental flashcopy in memory that speaks docs/protocol.md: node adapter.js
"use strict";
const fs = require("fs"), path = require("path"), readline = require("readline");

const BYTES = ["source", "target", "copied", "modified"];
class Refused extends Error {} // its message is the protocol's kind
const need = (condition, kind) => { if (!condition) throw new Refused(kind); };
const isPower = (n) => n > 0 && Number.isInteger(Math.log2(n));
const capabilities = ["target_write", "background_copy", "bitmaps", "stop", "write_zeroes", "restart"];
let fc = {}, file = ""; // all there is of the relationship; its maps have a byte a grain

function save() { // the old state or the new one, whenever a kill comes
  const texts = BYTES.map((name) => [name, fc[name].toString("base64")]);
  fs.writeFileSync(file + ".new", JSON.stringify({ ...fc, ...Object.fromEntries(texts) }));
  fs.renameSync(file + ".new", file);
}

function untie(state) { // idle or stopped: every grain counts as copied and modified
  Object.assign(fc, { state, copied: Buffer.alloc(fc.grains, 1), modified: Buffer.alloc(fc.grains, 1) });
}

function check(volume, offset, length) {
  const inside = offset >= 0 && length >= 0 && offset + length <= fc.size;
  need(inside && offset % fc.block_size === 0 && length % fc.block_size === 0, "invalid_argument");
  need(["source", "target"].includes(volume), "invalid_argument");
  need(volume === "source" || fc.state !== "stopped", "invalid_state");
}

function copy(grain) { // the data first, then the bit
  const end = Math.min((grain + 1) * fc.grain_size, fc.size);
  fc.source.copy(fc.target, grain * fc.grain_size, grain * fc.grain_size, end);
  fc.copied[grain] = 1;
}

function write(volume, offset, length, data) {
  need(volume !== "target" || fc.target_writable, "read_only");
  check(volume, offset, length);
  for (let at = offset; at < offset + length; at += fc.block_size) {
    const grain = Math.floor(at / fc.grain_size);
    if (!fc.copied[grain]) copy(grain);
    fc.modified[grain] = 1; // a write to either side makes the two differ
  }
  Buffer.from(data || Buffer.alloc(length), "base64").copy(fc[volume], offset);
}

const count = (map) => map.reduce((sum, bit) => sum + bit, 0);
function pack(map) { // bit g of byte g // 8
  const bytes = Buffer.alloc(Math.ceil(map.length / 8));
  map.forEach((bit, grain) => { bytes[grain >> 3] |= bit << (grain & 7); });
  return bytes.toString("base64");
}

const methods = {
  hello: () => ({ protocol: 1, name: "example in JavaScript", version: "1", capabilities }),
  create({ directory, size, block_size, grain_size, target_writable }) {
    need(isPower(block_size) && block_size >= 512 && block_size <= 65536, "invalid_argument");
    need(isPower(grain_size) && grain_size >= block_size, "invalid_argument");
    need(size > 0 && size % block_size === 0, "invalid_argument");
    const grains = Math.ceil(size / grain_size); // the last one may be short
    const source = Buffer.alloc(size), target = Buffer.alloc(size);
    fc = { size, block_size, grain_size, target_writable, grains, source, target };
    file = path.join(directory, "state");
    untie("idle"); save();
  },
  open({ directory }) {
    file = path.join(directory, "state");
    fc = JSON.parse(fs.readFileSync(file));
    for (const name of BYTES) fc[name] = Buffer.from(fc[name], "base64");
  },
  start() { fc.state = "copying"; fc.modified.fill(1); methods.sync(); }, // all differ, then sync
  sync() {
    need(fc.state === "copying", "invalid_state");
    fc.copied.forEach((bit, grain) => { fc.copied[grain] = bit & ~fc.modified[grain]; });
    fc.modified.fill(0); save();
  },
  stop() {
    if (fc.state === "copying") untie(count(fc.copied) === fc.grains ? "idle" : "stopped");
    save();
  },
  read({ volume, offset, length }) {
    check(volume, offset, length);
    const data = Buffer.from(fc[volume].subarray(offset, offset + length));
    for (let at = 0; at < length && volume === "target"; at += fc.block_size) {
      const from = offset + at; // what is not copied is read from the source: a fake read
      if (!fc.copied[Math.floor(from / fc.grain_size)]) fc.source.copy(data, at, from, from + fc.block_size);
    }
    return { data: data.toString("base64") };
  },
  write: ({ volume, offset, data }) => write(volume, offset, Buffer.byteLength(data, "base64"), data),
  write_zeroes({ volume, offset, length }) { write(volume, offset, length, null); },
  flush({ volume }) { check(volume, 0, 0); save(); },
  background_copy({ grains }) {
    need(grains === null || grains >= 0, "invalid_argument");
    const left = [...fc.copied.keys()].filter((grain) => !fc.copied[grain]);
    return { copied: left.slice(0, grains ?? left.length).map(copy).length };
  },
  status() {
    const copied = count(fc.copied), done = fc.state === "copying" && copied === fc.grains;
    return { state: done ? "copied" : fc.state, copied, grains: fc.grains };
  },
  bitmaps: () => ({ copied: pack(fc.copied), modified: pack(fc.modified) }),
  close() { if (file) save(); },
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const answer = { jsonrpc: "2.0", id };
  try {
    answer.result = methods[method](params || {}) || {};
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    answer.error = { code: -1, message: "", data: { kind: error.message } };
  }
  fs.writeSync(1, JSON.stringify(answer) + "\n");
  if (method === "close") process.exit();
});
