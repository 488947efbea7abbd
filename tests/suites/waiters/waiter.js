// A server that answers itself, reads files, and sleeps in a worker.
const fs = require("fs");
const http = require("http");
const { Worker, isMainThread } = require("worker_threads");

function nap() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);
}

if (isMainThread) {
    new Worker(__filename);
    const server = http.createServer((request, response) =>
        fs.readFile(__filename, (error, data) => response.end(data)));
    server.listen(0, "127.0.0.1", () => setInterval(() =>
        http.get({ port: server.address().port }, (response) => response.resume()), 5));
} else {
    for (;;) nap();
}
