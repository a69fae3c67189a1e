// Room: the way back, from whatever point the way there came to.
import { untilListening } from './address.ts';
import { type Backup, reach, restoreFiles } from './backup.ts';
import { commandText, programText, type Ran, runCommandToEnd } from './command.ts';
import { stopOutrigger } from './outrigger.ts';

/** Milliseconds until Outrigger must be gone. */
const GONE_PATIENCE = 30_000;

/**
 * Milliseconds in which whom we come back to may still be ending: Squid leaves its port at once, waits 30 s for its clients
 * (shutdown_lifetime), and no other Squid starts beside it. And milliseconds between two tries.
 */
const ENDING_PATIENCE = 45_000;
const TRY_INTERVAL = 500;
/** Milliseconds until it must listen once its command said that all is well; Apache and Squid take one or two. */
const LISTENING_PATIENCE = 10_000;

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
    if (!(await untilListening(taken, false, GONE_PATIENCE)))
      trouble.push(`somebody still listens on ${taken.join(', ')}: end it, and run ${programText()} rollback again`);
  }
  if (wasStarted || stage === 'reloading') {
    const left = performance.now();
    const { code, said, isBack } = await comeBack(backup);
    if (code !== 0) trouble.push(`${commandText(commands.comeBack)} ended with ${code}: ${said}`);
    if (isBack)
      say(`${manifest.holder} is back on ${taken.join(', ')}; it took ${Math.round(performance.now() - left)} ms`);
    else trouble.push(`${manifest.holder} does not listen on ${taken.join(', ')} again`);
  }
  if (trouble.length === 0) reach(backup, 'rolled back');
  return { trouble, replaced };
}

/**
 * Runs the command that brings the holder back, again where it fails or nobody listens then: one that is just ending may take the word
 * for itself, and be gone. What came of it last.
 */
async function comeBack({ manifest: { commands, taken } }: Backup): Promise<Ran & { isBack: boolean }> {
  const deadline = performance.now() + ENDING_PATIENCE;
  for (;;) {
    const ran = await runCommandToEnd(commands.comeBack);
    const isBack = await untilListening(taken, true, ran.code === 0 ? LISTENING_PATIENCE : 0);
    if ((isBack && ran.code === 0) || performance.now() > deadline) return { ...ran, isBack };
    await new Promise((resolve) => setTimeout(resolve, TRY_INTERVAL));
  }
}
