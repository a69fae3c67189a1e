// Room: a cut-over, whoever holds the addresses today: what of it can be planned without touching anything.
import type { CutoverPlan } from '@outrigger/importer';

/** `place`: where the holder goes on listening; absent where it ends. Empty `files`: none of its files changes. */
export type Cutover = Pick<CutoverPlan, 'files' | 'notes' | 'sites' | 'logs'> & {
  holder: 'Apache' | 'Squid';
  doors: { taken: string; place?: string }[];
  /** Addresses of listeners that nobody of the old configuration holds. */
  fresh: string[];
  /** Where the holder writes its pid; absent where nobody knows. */
  pidFile?: string;
};
