// Room: what `outrigger explain` has to say of one request: for a script as it stands, for a person in rows.
import { type Decision, type DenialAnswer, formatPlace, type SourceRef } from '@outrigger/rules';
import { type ExplainedFallback, type ExplainedForwarding, printedFallback, printedForwarding } from '../forwarding.ts';
import type { Terminal } from '../terminal.ts';

/** What `--json` prints. `route` and `accessLine` are places in the rules file, with the lines they were imported from. */
export type Explanation = {
  access: Decision['access'];
  answer?: Decision['answer'];
  /** What the client of a denied request gets. */
  answered?: DenialAnswer;
  upstream: string | null;
  lane: Decision['lane'];
  route: ExplainedPlace | null;
  accessLine: ExplainedPlace | null;
  refusal?: { status: number; code: string; message: string };
  /** Where the request goes while no server of `upstream` can be reached; absent where the route has no fallback. */
  fallback?: ExplainedFallback[];
  redirect?: { status: number; location: string };
  /** The connection goes to the upstream unread: no rule sees inside. */
  passedThrough?: true;
  listener: string;
  /** Who must begin a connection with the PROXY protocol; `only`: connections of anybody else are closed unread. */
  proxyProtocol?: { from: string[]; only: boolean };
  client: string;
  /** The address that connects, where it is a trusted proxy that names another client. */
  connectsFrom?: string;
  /** When the request comes, as in `mon 09:30`. */
  time: string;
  /** Whether a browser that connects to this host is offered HTTP/2; `because` where not. */
  http2: { offered: boolean; because?: string };
} & ExplainedForwarding;

export type ExplainedPlace = {
  file: string;
  line: number;
  importedFrom: { file: string; line: number; directive: string }[];
};

/** The explanation of one request as rows for a person. */
export function printedExplanation(explanation: Explanation, method: string, url: string, terminal: Terminal): string {
  const { access, answered, upstream, lane, refusal, redirect, listener, client, connectsFrom, time } = explanation;
  const via = connectsFrom === undefined ? '' : ` via ${connectsFrom}`;
  const request: Row[] = [
    ['request', `${method} ${url} from ${client}${via} on ${listener}, ${time}`],
    ...doorRows(explanation.proxyProtocol),
  ];
  if (explanation.passedThrough) {
    const verdict = `passed through to ${upstream} by the name in TLS; no access line and no route sees inside`;
    return printedRows([...request, ['verdict', terminal.paint('yellow', verdict)]]);
  }
  if (redirect !== undefined) {
    const verdict = `${terminal.paint('green', `redirected with ${redirect.status}`)} to ${redirect.location}`;
    return printedRows([...request, ['verdict', verdict]]);
  }
  const verdict =
    access === 'deny'
      ? terminal.paint(
          'red',
          refusal !== undefined
            ? `refused with ${refusal.status}`
            : `denied: ${answered === undefined ? '403' : printedAnswer(answered)}`,
        )
      : refusal !== undefined
        ? terminal.paint('yellow', `allowed by access, refused with ${refusal.status}`)
        : terminal.paint('green', 'allowed');
  return printedRows([
    ...request,
    ['verdict', verdict],
    ...(refusal === undefined ? [] : [['because', `${refusal.message} [${refusal.code}]`] satisfies Row]),
    [
      'access',
      explanation.accessLine === null ? 'no access line matches, which denies' : printedPlace(explanation.accessLine),
    ],
    ['route', explanation.route === null ? 'no route matches' : printedPlace(explanation.route)],
    ['upstream', upstream ?? '-'],
    ...printedForwarding(explanation),
    ...printedFallback(explanation.fallback ?? []),
    ['lane', lane],
    ['http/2', explanation.http2.offered ? 'offered to browsers' : `not offered: ${explanation.http2.because}`],
  ]);
}

/** How a connection must begin, and what becomes of one that does not. */
function doorRows(proxyProtocol: Explanation['proxyProtocol']): Row[] {
  if (proxyProtocol === undefined) return [];
  const { from, only } = proxyProtocol;
  const others = only ? 'those of anybody else are closed unread' : 'anybody else is the client, and sends none';
  return [
    ['door', `connections from ${from.join(', ')} begin with the PROXY protocol, which names the client; ${others}`],
  ];
}

function printedAnswer(answer: DenialAnswer): string {
  if (answer.kind === 'reset') return 'connection reset';
  if (answer.kind === 'page') return `${answer.status} with the page ${answer.page}`;
  return answer.kind === 'status' ? String(answer.status) : `${answer.status} to ${answer.location}`;
}

type Row = [name: string, value: string];

function printedRows(rows: readonly Row[]): string {
  return rows.map(([name, value]) => `${name.padEnd(9)} ${value}\n`).join('');
}

function printedPlace(place: ExplainedPlace): string {
  const source = (ref: Pick<SourceRef, 'file' | 'line' | 'directive'>): string =>
    `\n            from ${ref.file}:${ref.line}  ${ref.directive}`;
  return `${formatPlace({ ...place, directive: '' })}${place.importedFrom.map(source).join('')}`;
}
