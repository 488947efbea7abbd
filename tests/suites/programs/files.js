// Files by the thread pool, children by pipes, and compression in threads; prints what came of it.
const fs = require("fs/promises"), zlib = require("zlib"), { promisify } = require("util");
const { execFile } = require("child_process"), crypto = require("crypto");

async function one(number) {
    const name = `file-${number}`;
    await fs.writeFile(name, String(number).repeat(1000));
    const handle = await fs.open(name, "r");
    const text = (await handle.readFile()).toString();
    await handle.close();
    await fs.unlink(name);
    const packed = await promisify(zlib.deflate)(text);
    const key = await promisify(crypto.pbkdf2)(packed, "salt", 1000, 16, "sha256");
    const { stdout } = await promisify(execFile)("printf", ["%s", number]);
    return Number(stdout) + (key.length === 16 ? 0 : NaN);
}

Promise.all(Array.from({ length: 40 }, (_, number) => one(number)))
    .then((sums) => console.log(sums.reduce((a, b) => a + b)));
