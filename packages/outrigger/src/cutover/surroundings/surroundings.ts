// Room: what else on a machine has to do with its port 443: found in files alone, and told as steps where it applies. Nothing that is found is
// run, and what cannot be read is none.
import type { Reader } from '@outrigger/importer';
import type { Cutover } from '../cutover.ts';
import type { Step, SurroundingSteps } from '../steps.ts';
import { jailSteps } from './jails.ts';
import { packetFilterSteps } from './packetfilters.ts';
import { portLabelSteps } from './portlabels.ts';
import { profileSteps } from './profiles.ts';
import { rotationSteps } from './rotation.ts';
import { serviceUnitSteps } from './serviceunits.ts';
import { watcherSteps } from './watchers.ts';

/** A cut-over as its surroundings see it. */
export type Around = {
  reader: Reader;
  holder: Cutover['holder'];
  /** What systemd calls the holder, without `.service`. */
  service: string;
  /** Ports that change hands, and those on loopback that the holder listens on then. */
  taken: number[];
  places: number[];
  /** Ports of listeners that nobody had. */
  fresh: number[];
  /** Paths that are made for the holder to read. */
  made: string[];
  /** The user that Outrigger runs as. */
  user: string;
  /** Access log files that the rules write. */
  accessLogs: string[];
};

/** A step, and whether it is for before the holder leaves its port, or for when all is done. */
export type SurroundingStep = Step & { when: 'before' | 'after' };

/** In the order in which a person does them. */
const KINDS: readonly ((around: Around) => SurroundingStep[])[] = [
  serviceUnitSteps,
  portLabelSteps,
  packetFilterSteps,
  profileSteps,
  watcherSteps,
  jailSteps,
  rotationSteps,
];

export function surroundingSteps(around: Around): SurroundingSteps {
  const all = KINDS.flatMap((stepsOf) => stepsOf(around));
  const of = (when: SurroundingStep['when']): Step[] =>
    all.filter((step) => step.when === when).map(({ when: _when, ...step }) => step);
  return { before: of('before'), after: of('after'), user: around.user };
}
