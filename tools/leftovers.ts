// Room: a check after each test file: no socket, server, timer or child process is left that would keep a process alive. Loaded by vitest for all.
import { afterAll, expect } from 'vitest';

/** Milliseconds for what a test has closed to be gone: the witnesses wait 5 s for a peer's last word, and the machine may be busy. */
const PATIENCE = 15_000;
/** Milliseconds between two looks. */
const PAUSE = 20;

/** What node calls sockets, servers, dials, timers and child processes in `process.getActiveResourcesInfo()`; pipes belong to the runner. */
const COUNTED = /^(?:TCP|TLS|UDP|Timeout|Immediate|Process)/;

const before = counted();

afterAll(async () => {
  const deadline = Date.now() + PATIENCE;
  while (leftOver().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, PAUSE));
  expect(leftOver(), 'left over by this test file').toEqual([]);
}, 2 * PATIENCE);

function counted(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => COUNTED.test(kind));
}

/** Those beyond what was there before the file. */
function leftOver(): string[] {
  const known = [...before];
  return counted().filter((kind) => {
    const at = known.indexOf(kind);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}
