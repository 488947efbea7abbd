// Worker threads that wait for each other by Atomics, and a server that they ask. Prints the sum.
const { Worker, isMainThread, workerData, parentPort } = require("worker_threads");
const http = require("http");

const WORKERS = 4, TURNS = 200, REQUESTS = 20;

if (isMainThread) {
    const shared = new Int32Array(new SharedArrayBuffer(8)); // the turn, the sum
    const server = http.createServer((request, response) => response.end(request.url.slice(1)));
    server.listen(0, "127.0.0.1", () => {
        let running = WORKERS, answered = 0;
        for (let number = 0; number < WORKERS; number++) {
            const worker = new Worker(__filename, {
                workerData: { shared, number, port: server.address().port },
            });
            worker.on("message", (answer) => (answered += answer));
            worker.on("exit", () => {
                if (--running > 0) return;
                server.close();
                console.log(shared[1], answered);
            });
        }
    });
} else {
    const { shared, number, port } = workerData;
    for (let turn = number; turn < TURNS; turn += WORKERS) {
        for (let now; (now = Atomics.load(shared, 0)) !== turn;) Atomics.wait(shared, 0, now);
        shared[1] += turn;
        Atomics.store(shared, 0, turn + 1);
        Atomics.notify(shared, 0);
    }
    const agent = new http.Agent();
    let left = REQUESTS;
    for (let i = 0; i < REQUESTS; i++)
        http.get({ host: "127.0.0.1", port, path: `/${i}`, agent }, (response) => {
            response.on("data", (data) => parentPort.postMessage(Number(data)));
            response.on("end", () => --left || parentPort.close());
        });
}
