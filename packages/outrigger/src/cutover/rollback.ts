// Room: the way back, from whatever point the way there came to.
import { untilListening } from './address.ts';
import { type Backup, reach, restoreFiles } from './backup.ts';
import { commandText, programText, runCommandToEnd } from './command.ts';
import { stopOutrigger } from './outrigger.ts';

/** Milliseconds until Apache must be back, and until Outrigger must be gone. */
const BACK_PATIENCE = 30_000;

/**
 * Milliseconds in which whom we come back to may still be ending: Squid leaves its port at once, waits 30 s for its clients
 * (shutdown_lifetime), and no other Squid starts beside it. And milliseconds between two tries.
 */
const ENDING_PATIENCE = 45_000;
const TRY_INTERVAL = 500;

/**
 * Files first, then Outrigger off its addresses and Apache back on them, as far as they were reached. `trouble`: what could not be
 * done, a sentence each; the backup counts as open then, and this can be called again. Never throws.
 */
export async function putBack(
  backup: Backup,
  say: (text: string) => void,
): Promise<{ trouble: string[]; replaced: string[] }> {
  const { manifest } = backup;
  const { stage, commands, taken } = manifest;
  const trouble: string[] = [];
  let replaced: string[] = [];
  try {
    if (stage !== 'begun') replaced = restoreFiles(backup);
    for (const path of replaced)
      say(`${path} was changed after the cut-over; that version is kept in ${backup.folder}`);
    if (manifest.kept.length > 0) say(`${manifest.kept.length} files are as they were`);
  } catch (error) {
    trouble.push(error instanceof Error ? error.message : String(error));
  }
  const wasStarted = stage === 'starting' || stage === 'applied';
  if (wasStarted) {
    const failed = await stopOutrigger(backup);
    if (failed !== undefined) trouble.push(failed);
    if (!(await untilListening(taken, false, BACK_PATIENCE)))
      trouble.push(`somebody still listens on ${taken.join(', ')}: end it, and run ${programText()} rollback again`);
  }
  if (wasStarted || stage === 'reloading') {
    const left = performance.now();
    const { code, said } = await comeBack(backup);
    if (code !== 0) trouble.push(`${commandText(commands.comeBack)} ended with ${code}: ${said}`);
    if (await untilListening(taken, true, BACK_PATIENCE))
      say(`${manifest.holder} is back on ${taken.join(', ')}; it took ${Math.round(performance.now() - left)} ms`);
    else trouble.push(`${manifest.holder} does not listen on ${taken.join(', ')} again`);
  }
  if (trouble.length === 0) reach(backup, 'rolled back');
  return { trouble, replaced };
}

/** Runs the command that brings the holder back, again where it fails; what came of it last. */
async function comeBack({ manifest }: Backup): ReturnType<typeof runCommandToEnd> {
  const deadline = performance.now() + ENDING_PATIENCE;
  for (;;) {
    const ran = await runCommandToEnd(manifest.commands.comeBack);
    if (ran.code === 0 || performance.now() > deadline) return ran;
    await new Promise((resolve) => setTimeout(resolve, TRY_INTERVAL));
  }
}
