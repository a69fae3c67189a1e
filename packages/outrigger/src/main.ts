// Room: the process. The only place that ends it.
import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

process.exitCode = await runProgram(process.argv.slice(2), processTerminal());
// The channel to a supervisor keeps a worker alive that has nothing left to do.
if (process.connected) process.disconnect();
