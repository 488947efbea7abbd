// JavaScript that waits in a function which node compiles; the pipe is written by whoever runs this.
const fs = require("fs");

function readSlowly() {
  const file = fs.openSync(process.argv[2], "r");
  fs.readSync(file, Buffer.alloc(10), 0, 10, null);
  fs.closeSync(file);
}

for (let i = 0; i < 10; i++) readSlowly();
