// Room: the pages that Squid shows for denials: which files they are, and the settings that go into them (SQ-224). Source:
// errorpage.cc, TemplateFile::loadDefault. What their codes stand for is pagecodes.ts.
import { PAGE_MAX } from '@outrigger/rules';
import { branchOff, fileRead } from '../filetree.ts';
import { remark } from '../ledger.ts';
import { pathBeside } from '../source.ts';
import type { FileContext } from './acl.ts';
import type { Directive } from './expand.ts';
import type { DenyInfo } from './model.ts';

/** What a deny_info line asks for: `[STATUS:]TEMPLATE`, `[STATUS:]URL`, or a reset. */
export type Info =
  | { kind: 'reset' }
  | { kind: 'redirect'; url: string; status?: number }
  | { kind: 'page'; page: string; status?: number };

const WITH_STATUS = /^(\d{3}):(.*)$/;

export function infoOf(written: string): Info {
  if (written === 'TCP_RESET') return { kind: 'reset' };
  const [, digits, rest] = WITH_STATUS.exec(written) ?? [];
  const status = digits === undefined ? {} : { status: Number(digits) };
  const what = rest ?? written;
  return what.includes(':') ? { kind: 'redirect', url: what, ...status } : { kind: 'page', page: what, ...status };
}

/** Directives that say where pages are and what stands in them; the last line of a name counts. */
export const PAGE_SETTINGS = [
  'error_directory',
  'error_default_language',
  'err_page_stylesheet',
  'err_html_text',
  'cache_mgr',
  'visible_hostname',
  'httpd_suppress_version_string',
  'email_err_data',
] as const;
export type PageSetting = (typeof PAGE_SETTINGS)[number];
export type PageSettings = Map<PageSetting, Directive>;

/** A page as it was found. `language`: what its answers say they are written in. */
export type PageFile = { path: string; text: string; language?: string };

/** `places`: where it was looked for · `large`: more bytes than a page of rules may have. */
export type PageSearch =
  | { kind: 'found'; file: PageFile }
  | { kind: 'missing'; places: string[] }
  | { kind: 'large'; path: string };

export type ErrorPages = {
  settings: PageSettings;
  /** By the name of the page. */
  files: ReadonlyMap<string, PageSearch>;
  /** The folder of error_directory is not there: Squid does not start. */
  lacksFolder: boolean;
  /** The file of err_page_stylesheet, where it is there. */
  stylesheet?: string;
};

/** Where packages put the pages that Squid brings along: Debian, Red Hat; old Debian; the source; FreeBSD. */
const HOMES = [
  '/usr/share/squid/errors',
  '/usr/share/squid3/errors',
  '/usr/local/squid/share/errors',
  '/usr/local/etc/squid/errors',
];
/** Where the style sheet is unless a line says so. */
const STYLESHEET = '/etc/squid/errorpage.css';
const DEFAULT_LANGUAGE = 'en';

/** The page of a denial for which no deny_info line speaks, by the list that denies. */
export const UNASKED = { access: 'ERR_ACCESS_DENIED', miss: 'ERR_FORWARDING_DENIED' } as const;

export function readPageSetting(name: PageSetting, directive: Directive, settings: PageSettings): void {
  const before = settings.get(name);
  if (before !== undefined) {
    const message = `line ${directive.at.line} says it again, and the last one counts`;
    remark(before.entry, 'irrelevant', 'SQUID_OPERATION', message);
  }
  settings.set(name, directive);
}

/** The value of a setting: its first word, or all of the line for a text. */
export function settingOf(settings: PageSettings, name: PageSetting): string | undefined {
  const directive = settings.get(name);
  const first = directive?.words[0];
  if (directive === undefined || first === undefined) return undefined;
  return name === 'err_html_text' ? directive.line.text.slice(first.offset).trimEnd() : first.text;
}

/** Looks for every page that denials may show: those that lines name, and with a folder of one's own those that Squid shows unasked. */
export function findErrorPages(settings: PageSettings, denyInfos: readonly DenyInfo[], files: FileContext): ErrorPages {
  const found = new Map<string, PageSearch>();
  const look = (name: string, { entry, from }: Directive): void => {
    const search = found.get(name) ?? findPage(name, settings, files);
    found.set(name, search);
    if (search.kind === 'found') branchOff(from, entry, 'read').files.push(fileRead(search.file.path, files.reader));
  };
  for (const { answer, directive } of denyInfos) {
    const info = infoOf(answer);
    if (info.kind === 'page') look(info.page, directive);
  }
  const own = settings.get('error_directory');
  if (own !== undefined) for (const name of Object.values(UNASKED)) look(name, own);
  const folder = settingOf(settings, 'error_directory');
  const lacksFolder = folder !== undefined && files.reader.list(pathBeside(files.main, folder)) === undefined;
  const sheet = pathBeside(files.main, settingOf(settings, 'err_page_stylesheet') ?? STYLESHEET);
  return {
    settings,
    files: found,
    lacksFolder,
    ...(files.reader.read(sheet).kind === 'file' && { stylesheet: sheet }),
  };
}

function findPage(name: string, settings: PageSettings, files: FileContext): PageSearch {
  const own = settingOf(settings, 'error_directory');
  const language = settingOf(settings, 'error_default_language') ?? DEFAULT_LANGUAGE;
  const folders = [
    ...(own === undefined ? [] : [pathBeside(files.main, own)]),
    ...HOMES.flatMap((home) => [`${home}/${language}`, `${home}/templates`]),
  ];
  for (const folder of folders) {
    const path = `${folder.replace(/\/$/, '')}/${name}`;
    const result = files.reader.read(path);
    if (result.kind === 'missing') continue;
    const { text } = result.file;
    if (text.length > PAGE_MAX) return { kind: 'large', path };
    return { kind: 'found', file: { path, text, ...(own === undefined && { language }) } };
  }
  // One of all the places that packages have is as good as another: the first is named.
  return { kind: 'missing', places: folders.slice(0, own === undefined ? 1 : 2).map((folder) => `${folder}/${name}`) };
}
