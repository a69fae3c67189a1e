// Room: which modules an Apache has: those compiled in, those its LoadModule lines name, or, where a file has no such
// line, nobody knows. Pure.

/** What is compiled into Debian's httpd (`apache2 -l`, 2.4.71). Red Hat's has less, and loads the rest by LoadModule. */
const COMPILED_IN = [
  'core.c',
  'mod_so.c',
  'mod_watchdog.c',
  'http_core.c',
  'mod_log_config.c',
  'mod_logio.c',
  'mod_version.c',
  'mod_unixd.c',
];

/** Symbols whose source file is not named mod_SYMBOL.c. */
const FILES: Readonly<Record<string, string>> = {
  core_module: 'core.c',
  http_module: 'http_core.c',
  mpm_event_module: 'event.c',
  mpm_worker_module: 'worker.c',
  mpm_prefork_module: 'prefork.c',
  ldap_module: 'util_ldap.c',
};

export type Modules = {
  /** Takes a LoadModule line: `ssl_module`. */
  load(symbol: string): void;
  /** Whether IfModule holds for `name` (`mod_ssl.c` or `ssl_module`, case counts; AP-18); `assumed` where no list says so. */
  has(name: string): { loaded: boolean; assumed: boolean };
  /** Source files of what is loaded; undefined as long as no LoadModule line was read. */
  loadedFiles(): ReadonlySet<string> | undefined;
  /** Symbols of loaded modules that are not part of httpd, and bring directives of their own. */
  readonly foreign: readonly string[];
};

/** `isOwn`: whether httpd itself has a module with this source file. */
export function createModules(isOwn: (file: string) => boolean): Modules {
  const files = new Set(COMPILED_IN);
  const foreign: string[] = [];
  let isListed = false;
  return {
    load: (symbol) => {
      const file = fileOf(symbol);
      isListed = true;
      files.add(file);
      if (!isOwn(file)) foreign.push(symbol);
    },
    has: (name) => {
      const file = name.endsWith('.c') ? name : name.endsWith('_module') ? fileOf(name) : undefined;
      if (file === undefined) return { loaded: false, assumed: false };
      if (files.has(file)) return { loaded: true, assumed: false };
      return isListed ? { loaded: false, assumed: false } : { loaded: isOwn(file), assumed: true };
    },
    loadedFiles: () => (isListed ? files : undefined),
    foreign,
  };
}

function fileOf(symbol: string): string {
  return FILES[symbol] ?? `mod_${symbol.replace(/_module$/, '')}.c`;
}
