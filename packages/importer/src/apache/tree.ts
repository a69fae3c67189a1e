// Room: the words in which everything about Apache is said: the tree of directives and sections as Apache itself holds it
// after reading, before any module has looked at it.
//
// What is where in this folder:
//   lines.ts       bytes of a file to logical lines (continuations, comments), a line to words (ap_getword_conf)
//   stream.ts      the lines of one file one at a time, those of a used macro put in front
//   directives.ts  every directive of httpd 2.4 as a table: its module, where it may stand
//   modules.ts     which modules are there: compiled in, LoadModule, or unknown
//   variables.ts   Define, UnDefine, -D, and ${NAME} in lines
//   envvars.ts     Debian's /etc/apache2/envvars, parsed and never run
//   conditions.ts  IfDefine, IfModule, IfVersion, IfFile, IfDirective, IfSection
//   macros.ts      Macro and Use
//   include.ts     the files an Include names
//   atonce.ts      what else Apache obeys while reading
//   layout.ts      from a folder to the main file, its ServerRoot and what its service starts it with (Debian, Red Hat, plain)
//   reading.ts     the state of one reading, and how a line is refused or obeyed
//   uncounted.ts   lines that never count: skipped, behind a refusal, lost
//   expand.ts      all of these together: files to the tree, or the line at which Apache would refuse to start
//   check.ts       what Apache refuses once it has read everything
//   servers.ts     the main server and the virtual hosts: addresses, names, Listen
//   vhosts.ts      which of them takes a request (AP-30 to AP-41)
//   journey.ts, requestpath.ts, sectionpaths.ts, rewriterequest.ts, rewrite.ts, redirects.ts, decision.ts
//                  what Apache does with a request, from its configuration alone (AP-50 to AP-110); what it was
//                  recorded to do is fixtures/apache/*/verdicts.tsv
//   settings.ts, proxypass.ts, target.ts, access.ts, tls.ts
//                  lines as values, with what is inherited
//   leads.ts, patternprefixes.ts, rewriterules.ts, rewriteconditions.ts, variablesaid.ts, expression.ts
//                  which lines send which prefixes of paths to a server
//   overlap.ts, patternstays.ts, proxysections.ts, pathsections.ts
//                  which sections hold for a path, and for which of its requests
//   effects.ts     what each line of a section does there, as a table
//   exchange.ts, rewritehindrance.ts, ifsections.ts, obstacles.ts, hosts.ts, fieldchanges.ts, moveaccess.ts, reversals.ts,
//   balancer.ts, backend.ts, servertls.ts, moves.ts, movedrequests.ts, accesslogs.ts
//                  which of them surely go there, and what a rule must say of them
//   listeners.ts, clientcertificates.ts, place.ts, addedrpc.ts, moveremarks.ts, overview.ts, differences.ts,
//   differenceplaces.ts, wholestays.ts, lower.ts, loopback.ts, import.ts
//                  from all that to rules and a ledger
//   cutover/       the way to loopback: which lines change, what is read of them afterwards
//   display.ts, secrets.ts  how a line is shown, and what in it is secret
import type { SourceRef } from '@outrigger/rules';
import type { FileRead } from '../filetree.ts';
import type { LedgerEntry } from '../ledger.ts';
import type { ReportedPlace } from './lines.ts';
import type { Modules } from './modules.ts';

/** A word of a directive as Apache's modules get it: quotes gone, ${NAME} replaced. `quoted`: it stood in quotes. */
export type Argument = { text: string; quoted: boolean };

type Written = {
  /** As written, without `<`. */
  name: string;
  /** The name in lower case: Apache compares names without regard to case (AP-8). */
  key: string;
  /** What stands behind the name as one text, ${NAME} replaced; of a section without its `>`. For directives with a grammar of their own. */
  rest: string;
  /** The same cut into words. */
  words: Argument[];
  /** First physical line, with the Includes and Uses that led here. Inside a macro: the line of its body. */
  at: SourceRef;
  /** Where Apache's own messages place it. */
  reported: ReportedPlace;
  entry: LedgerEntry;
};

/** A directive that counts. */
export type Directive = Written & { kind: 'directive' };

/** `<VirtualHost …>`, `<Location …>` and the like. Sections that Apache decides while reading (IfModule, Macro) are gone.
 * `isOpen`: its line lacks the closing `>`, which Apache refuses. */
export type Section = Written & { kind: 'section'; children: ConfigNode[]; isOpen: boolean };

export type ConfigNode = Directive | Section;

/** Where Apache would refuse to start, and its reason in our words; with nothing read behind it. */
export type Refusal = { at: SourceRef; reported: ReportedPlace; message: string };

/** What a whole configuration says. `refusal`: the tree ends there, and Apache itself would not start. */
export type ConfigTree = {
  nodes: ConfigNode[];
  /** The folder that relative paths are taken from. */
  serverRoot: string;
  /** The file of the environment, where there is one, and the main file with all it led to. */
  files: FileRead[];
  modules: Modules;
  refusal?: Refusal;
};

/** The sections of one name among `nodes`, `key` in lower case; not those inside other sections. */
export function sectionsOf(nodes: readonly ConfigNode[], key: string): Section[] {
  return nodes.filter((node): node is Section => node.kind === 'section' && node.key === key);
}

/** The directives of one name among `nodes`, `key` in lower case; not those inside sections. */
export function directivesOf(nodes: readonly ConfigNode[], key: string): Directive[] {
  return nodes.filter((node): node is Directive => node.kind === 'directive' && node.key === key);
}

/** Text of the last directive of one name, where later ones replace earlier ones; undefined where there is none. */
export function lastWord(nodes: readonly ConfigNode[], key: string): string | undefined {
  return directivesOf(nodes, key).at(-1)?.words[0]?.text;
}
