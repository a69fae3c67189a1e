// An outcome as a recorded verdict is written.
import type { Outcome } from '../journey.ts';

export function printed(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'proxied':
      return `proxied ${outcome.origin} ${outcome.target} ${outcome.host}`;
    case 'redirected':
      return `redirect ${outcome.status} ${outcome.location}`;
    case 'status':
      return `status ${outcome.status}`;
    case 'unknown':
      return `unknown: ${outcome.reason}`;
    default:
      return outcome.kind;
  }
}
