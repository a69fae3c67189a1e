// Room: what an import says of a config beyond its lines, whatever vendor it is of: what it let through, and what tighter rules
// change. Data alone; who finds it out is each vendor's room.
import type { Diagnostic, SourceRef } from '@outrigger/rules';
import type { ImportCode } from './codes.ts';

/** Something the old file let through: a finding, the request that shows it, and the upstream that request reached. */
export type LetThrough = Diagnostic<ImportCode> & {
  url: string;
  reached: string;
  /** Where tightened rules send the request, if elsewhere: an upstream, or what the client is answered. */
  tightened?: string;
};

/** A route that became narrower. `rule` is its place in the rules file. */
export type TightRoute = { rule: string; upstream: string; hosts: string[]; paths: string[] };

/** A pattern that stays as it was, and why, as a clause. */
export type KeptPattern = { rule: string; pattern: string; at?: SourceRef; reason: string };

/** A request that the tightened rules answer otherwise. `before` and `after`: an upstream, or what the client is answered. */
export type Change = { url: string; because: string; before: string; after: string };

export type Tightening = {
  /** The rules of the translation are the tightened ones. */
  applied: boolean;
  routes: TightRoute[];
  kept: KeptPattern[];
  changes: Change[];
  /** Whether browsers are offered HTTP/2; `.x` is x and all below it, and an absent `name` all that no rule names. */
  http2: { name?: string; before: boolean; after: boolean }[];
};
