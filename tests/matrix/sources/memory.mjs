// Memory of every kind that node takes outside of its heap, and the heap itself; prints checksums.
import { createHash, pbkdf2Sync } from 'node:crypto';
import { execFileSync, spawn } from 'node:child_process';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { readFile, writeFile } from 'node:fs/promises';

const hash = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

function work(seed, turns) {
  const buffers = [];
  let total = 0;
  for (let i = 0; i < turns; i++) {
    const buffer = Buffer.alloc((i * 7919 + seed) % 65536, i & 255);
    total += buffer.length;
    buffers.push(buffer);
    if (buffers.length > 200) buffers.shift();
  }
  return `${total} ${hash(Buffer.concat(buffers))}`;
}

if (!isMainThread) {
  parentPort.postMessage(work(workerData, 3000));
} else {
  console.log(work(1, 5000));
  const results = await Promise.all(
    [1, 2, 3, 4].map(
      (seed) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(fileURLToPath(import.meta.url), { workerData: seed });
          worker.on('message', resolve);
          worker.on('error', reject);
        }),
    ),
  );
  console.log(results.join('\n'));
  const text = Buffer.from(Array.from({ length: 200000 }, (_, i) => `line ${i * 31}\n`).join(''));
  console.log(hash(gunzipSync(gzipSync(text))), hash(brotliDecompressSync(brotliCompressSync(text.subarray(0, 300000)))));
  console.log(pbkdf2Sync('a', 'b', 20000, 32, 'sha512').toString('hex'));
  const objects = new Map();
  for (let i = 0; i < 300000; i++) objects.set(`key${i}`, { i, list: [i, i + 1] });
  console.log(objects.size, hash(JSON.stringify([...objects.values()])));
  console.log(execFileSync('sh', ['-c', 'echo from a child; exit 0']).toString().trim());
  console.log(await new Promise((resolve) => spawn('sh', ['-c', 'kill -9 $$']).on('exit', (code, signal) => resolve(`${code} ${signal}`))));
  await writeFile('file', text);
  console.log(hash(await readFile('file')));
  const wasm = new WebAssembly.Memory({ initial: 100, maximum: 2000 });
  wasm.grow(500);
  console.log(wasm.buffer.byteLength);
  process.exitCode = 6;
}
