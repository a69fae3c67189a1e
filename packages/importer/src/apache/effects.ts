// Room: what each line that may stand in a section does to requests of a path that is sent on, as a table: what a rule says of it, what
// keeps the path with Apache, what becomes otherwise, and what does nothing there, each with its reason. Asked for the lines of the
// server, too. Pure. Source: `apache2 -L` of 2.4.71 for the names; what each does was seen (fixtures/apache-section-effects.tsv).
// .htaccess files say nothing here: folders are not asked about what is sent on (AP-93).
import type { ImportCode } from '../codes.ts';
import type { ConfigNode } from './tree.ts';

/**
 * `carried`: a rule says it of the whole path, where another room reads it. `access`: who may ask, in access lines. `mapping`: where
 * requests go. `stays`: no rule can do it; `reason` ends a sentence about the path. `otherwise`: the path moves without it, and the
 * report says the message; `sites`: why a path that is not Exchange's stays all the same. `none`: nothing, because of `reason`.
 */
export type Effect =
  | { kind: 'carried' }
  | { kind: 'access' }
  | { kind: 'mapping' }
  | { kind: 'stays'; reason: string }
  | { kind: 'otherwise'; message: string; code: ImportCode; sites?: string }
  | { kind: 'none'; reason: string };

/**
 * `names`: as the manual spells them, sections with `<`. `at`: counts in a section alone, or outside of all. `saying`: counts only where
 * what stands behind the name is found by it. `addsUp`: each line counts, not the last alone.
 */
type Row = Effect & { names: string; at?: 'section' | 'server'; saying?: RegExp; addsUp?: true };

/** Words with which a directive is switched off. */
const NOT_OFF = /^(?!["']?(?:off|none|detectiononly|default-handler)\b)/i;
/** Filters that compress answers, and no others. */
const COMPRESSION = /^["']?(?:deflate|brotli_compress)(?:;(?:deflate|brotli_compress))*(?:["'\s]|$)/i;

const FILTER = 'a filter of Apache may change answers';
const AS_SENT = 'answers of paths that moved go on as the server sends them, compressed or not';
const LOGIN = 'Apache asks for a login of its own';
const CERTIFICATES = 'Apache agrees on TLS anew on this path alone';

/** The first row that is about a line counts; what no row is about does nothing we know of. */
const TABLE: readonly Row[] = [
  // Where requests go, and to whom
  { kind: 'mapping', names: 'ProxyPass ProxyPassMatch' },
  {
    kind: 'access',
    names: `Require <RequireAll <RequireAny <RequireNone AuthMerging Order Allow Deny Satisfy <Limit <LimitExcept`,
  },
  {
    kind: 'carried',
    names: `SSLProxyEngine SSLProxyVerify SSLProxyVerifyDepth SSLProxyCACertificateFile SSLProxyCACertificatePath
      SSLProxyCARevocationCheck SSLProxyCARevocationFile SSLProxyCARevocationPath SSLProxyCheckPeerName SSLProxyCheckPeerCN
      SSLProxyCheckPeerExpire SSLProxyProtocol SSLProxyCipherSuite SSLProxyMachineCertificateFile SSLProxyMachineCertificatePath
      SSLProxyMachineCertificateChainFile Header RequestHeader ProxyPreserveHost ProxyPassReverse ProxyPassReverseCookieDomain ProxyPassReverseCookiePath
      BalancerMember ProxySet ProxyHCExpr ProxyHCTemplate OutlookAnywherePassthrough OutlookAnywhereUserAgent`,
  },

  // What no rule can do
  {
    kind: 'stays',
    names: '<If <ElseIf <Else',
    addsUp: true,
    reason: 'an If section may say otherwise for some requests',
  },
  { kind: 'stays', names: 'AuthType AuthBasicProvider AuthnzFcgiCheckAuthnProvider', saying: NOT_OFF, reason: LOGIN },
  { kind: 'stays', names: 'AuthBasicFake', saying: NOT_OFF, reason: 'Apache sends a login of its own' },
  { kind: 'stays', names: 'AllowMethods', reason: 'Apache allows some methods only' },
  {
    kind: 'stays',
    names: 'Redirect RedirectMatch RedirectPermanent RedirectTemp',
    at: 'section',
    addsUp: true,
    reason: 'a Redirect in a section comes first',
  },
  {
    kind: 'stays',
    names: 'RewriteRule',
    at: 'section',
    addsUp: true,
    reason: 'rewriting in a section works on paths of files',
  },
  {
    kind: 'otherwise',
    names: 'AddOutputFilterByType AddOutputFilter',
    saying: COMPRESSION,
    addsUp: true,
    code: 'APACHE_ANSWER',
    message: AS_SENT,
  },
  { kind: 'otherwise', names: 'SetOutputFilter', saying: COMPRESSION, code: 'APACHE_ANSWER', message: AS_SENT },
  { kind: 'stays', names: 'AddOutputFilterByType AddOutputFilter FilterChain', addsUp: true, reason: FILTER },
  { kind: 'stays', names: 'SetOutputFilter', saying: NOT_OFF, reason: 'a filter of Apache changes answers' },
  { kind: 'stays', names: 'SetInputFilter', saying: NOT_OFF, reason: 'a filter of Apache changes requests' },
  { kind: 'stays', names: 'AddInputFilter', addsUp: true, reason: 'a filter of Apache may change requests' },
  { kind: 'stays', names: 'CharsetSourceEnc CharsetDefault', reason: 'Apache writes answers in another character set' },
  { kind: 'stays', names: 'ProxyHTMLEnable', saying: NOT_OFF, reason: 'Apache rewrites links in pages' },
  { kind: 'stays', names: 'Substitute', addsUp: true, reason: 'Apache changes answers' },
  {
    kind: 'stays',
    names: 'ProxyErrorOverride',
    saying: NOT_OFF,
    reason: 'Apache puts pages of its own in place of error answers',
  },
  {
    kind: 'stays',
    names: 'ProxyPassInterpolateEnv',
    saying: NOT_OFF,
    reason: 'variables in targets are filled in at each request',
  },
  {
    kind: 'stays',
    names: 'ProxyRemote ProxyRemoteMatch',
    addsUp: true,
    reason: 'Apache asks servers through another proxy',
  },
  {
    kind: 'stays',
    names: 'ProxyBlock',
    saying: NOT_OFF,
    addsUp: true,
    reason: 'Apache refuses to send requests to some servers',
  },
  {
    kind: 'stays',
    names: 'ProxySourceAddress',
    reason: 'Apache connects to servers from an address that a line names',
  },
  { kind: 'stays', names: 'ProxyExpressEnable', saying: NOT_OFF, reason: 'a file of maps decides where requests go' },
  { kind: 'stays', names: 'SecRuleEngine', saying: NOT_OFF, reason: 'ModSecurity looks at requests' },
  { kind: 'stays', names: 'Session', saying: NOT_OFF, reason: 'Apache keeps sessions' },
  { kind: 'stays', names: 'SetHandler', saying: NOT_OFF, reason: 'a handler answers in place of the server' },
  {
    kind: 'stays',
    names: `<LuaHookAccessChecker <LuaHookAuthChecker <LuaHookCheckUserID <LuaHookFixups <LuaHookMapToStorage
      <LuaHookPreTranslateName <LuaHookTranslateName <LuaHookTypeChecker <LuaQuickHandler LuaHookAccessChecker
      LuaHookAuthChecker LuaHookCheckUserID LuaHookFixups LuaHookInsertFilter LuaHookLog LuaHookMapToStorage
      LuaHookPreTranslateName LuaHookTranslateName LuaHookTypeChecker LuaInputFilter LuaMapHandler LuaOutputFilter
      LuaQuickHandler Lua_____ByteCodeHack`,
    addsUp: true,
    reason: 'a Lua script decides what becomes of requests',
  },
  {
    kind: 'stays',
    names: 'SSLVerifyClient',
    at: 'section',
    reason: 'Apache asks for a client certificate on this path alone',
  },
  { kind: 'stays', names: 'SSLRequire', addsUp: true, reason: 'access depends on what TLS says of the client' },
  { kind: 'stays', names: 'SSLCipherSuite SSLVerifyDepth', at: 'section', reason: CERTIFICATES },
  {
    kind: 'stays',
    names: 'SSLOptions',
    saying: /(?:^|\s|\+)fakebasicauth\b/i,
    addsUp: true,
    reason: 'Apache makes a login of a client certificate',
  },
  {
    kind: 'stays',
    names: 'SetEnvIf SetEnvIfNoCase SetEnvIfExpr BrowserMatch BrowserMatchNoCase',
    at: 'server',
    saying: /\bno-proxy\b/,
    addsUp: true,
    reason: 'an environment variable may keep requests from being proxied',
  },

  // What is otherwise
  {
    kind: 'otherwise',
    names: 'SetEnv SetEnvIf SetEnvIfNoCase SetEnvIfExpr',
    saying: /\b(?:force-proxy-request-1\.0|proxy-nokeepalive)\b/,
    addsUp: true,
    code: 'APACHE_ANSWER',
    message:
      'on paths that moved requests go on in the version of HTTP that they came in, on connections that are kept',
  },
  {
    kind: 'otherwise',
    names: 'SetEnv SetEnvIf SetEnvIfNoCase SetEnvIfExpr',
    saying: /\b(?:downgrade-1\.0|force-response-1\.0|force-no-vary|nokeepalive)\b/,
    addsUp: true,
    code: 'APACHE_ANSWER',
    message: 'on paths that moved clients are answered in HTTP/1.1, on connections that are kept',
  },
  {
    kind: 'otherwise',
    names: 'BrowserMatch BrowserMatchNoCase',
    at: 'section',
    saying:
      /\b(?:force-proxy-request-1\.0|proxy-nokeepalive|downgrade-1\.0|force-response-1\.0|force-no-vary|nokeepalive)\b/,
    addsUp: true,
    code: 'APACHE_ANSWER',
    message: 'on paths that moved no browser is treated otherwise than others',
  },
  {
    kind: 'otherwise',
    names: 'ProxyAddHeaders',
    code: 'APACHE_HEADER',
    message: 'on paths that moved Outrigger writes X-Forwarded-For, -Host and -Proto itself',
  },
  {
    kind: 'otherwise',
    names: 'Proxy100Continue',
    saying: /^["']?off\b/i,
    code: 'APACHE_HEADER',
    message: 'on paths that moved Expect: 100-continue goes on to the server',
  },
  {
    kind: 'otherwise',
    names: 'ProxyVia',
    saying: NOT_OFF,
    code: 'APACHE_HEADER',
    message: 'on paths that moved there is no Via: servers stop compressing for a request that has one',
  },
  {
    kind: 'otherwise',
    names: 'ProxyMaxForwards',
    at: 'server',
    saying: /^["']?\d/,
    code: 'APACHE_HEADER',
    message: 'on paths that moved Max-Forwards is not written, and passes as the client sent it',
  },
  {
    kind: 'otherwise',
    names: 'ErrorDocument',
    addsUp: true,
    code: 'APACHE_ANSWER',
    message: 'what Outrigger refuses or cannot send on, on paths that moved, is answered with a short page of its own',
  },
  {
    kind: 'otherwise',
    names: 'AddDefaultCharset',
    saying: NOT_OFF,
    code: 'APACHE_ANSWER',
    message: 'answers of paths that moved name the character set that the server says, or none',
  },
  {
    kind: 'otherwise',
    names: 'DefaultLanguage',
    code: 'APACHE_ANSWER',
    message: 'answers of paths that moved name the language that the server says, or none',
  },
  {
    kind: 'otherwise',
    names: 'ForceType',
    saying: NOT_OFF,
    code: 'APACHE_ANSWER',
    message: 'answers of paths that moved have the type that the server says, or none',
  },
  // Outside of sections distributions list endings of files by the dozen, of which no page behind a proxy has one.
  {
    kind: 'otherwise',
    names: 'AddType AddEncoding AddLanguage AddCharset',
    at: 'section',
    addsUp: true,
    code: 'APACHE_ANSWER',
    message:
      'of answers of paths that moved the ending of the path says nothing: they have the fields that the server sends',
  },
  {
    kind: 'otherwise',
    names: 'MaxRanges MaxRangeOverlaps MaxRangeReversals',
    code: 'APACHE_ANSWER',
    message: 'on paths that moved ranges are what the server makes of them: Apache cut them out where it sent all',
  },
  {
    kind: 'otherwise',
    names: 'ExpiresActive',
    saying: NOT_OFF,
    code: 'APACHE_ANSWER',
    message: 'answers of paths that moved say of their freshness what the server says',
    sites: 'Apache says how long answers are fresh',
  },
  {
    kind: 'otherwise',
    names: 'CookieTracking',
    saying: NOT_OFF,
    code: 'APACHE_ANSWER',
    message: 'on paths that moved no cookie of Apache is set',
    sites: 'Apache sets a cookie of its own',
  },
  {
    kind: 'otherwise',
    names: 'CacheEnable',
    addsUp: true,
    code: 'APACHE_ANSWER',
    message: 'answers of paths that moved come from the server, and from no cache',
    sites: 'Apache caches',
  },
  {
    kind: 'otherwise',
    names: 'UseCanonicalName UseCanonicalPhysicalPort',
    saying: NOT_OFF,
    code: 'APACHE_ANSWER',
    message: 'where Location is changed back on paths that moved, it names the Host of the request',
  },
  {
    kind: 'otherwise',
    names: 'H2EarlyHint H2PushResource',
    addsUp: true,
    code: 'APACHE_ANSWER',
    message: 'on paths that moved clients get no early hints and no pushes of Apache',
  },
  {
    kind: 'otherwise',
    names: 'MDRequireHttps',
    saying: /permanent/i,
    code: 'APACHE_ANSWER',
    message: 'answers of paths that moved lack the Strict-Transport-Security that mod_md adds',
  },
  {
    kind: 'otherwise',
    names: 'LogMessage',
    addsUp: true,
    code: 'APACHE_LOG',
    message: 'Apache writes no lines of requests of paths that moved',
  },

  // What does nothing on what is sent on
  {
    kind: 'none',
    names: `<IfModule <IfDefine <IfFile <IfDirective <IfSection <IfVersion <Macro Define UnDefine Error Include IncludeOptional Use
      UndefMacro MacroIgnoreEmptyArgs MacroIgnoreBadNesting`,
    reason: 'it is done with when the file is read',
  },
  {
    kind: 'none',
    names: `<Files <FilesMatch AllowOverride AllowOverrideList Options AcceptPathInfo FileETag EnableMMAP EnableSendfile ContentDigest
      DefaultType LimitXMLRequestBody ReadBufferSize MultiviewsMatch ModMimeUsePathInfo RLimitCPU RLimitMEM RLimitNPROC`,
    reason: 'it is about files of Apache',
  },
  {
    kind: 'none',
    names: `AddHandler RemoveHandler Action Script CGIPassAuth CGIVar CGIScriptTimeout CGIDScriptTimeout DAV DAVBasePath DAVMinTimeout
      DAVDepthInfinity DAVLockDiscovery DAVGenericLockDB ImapMenu ImapDefault ImapBase FallbackResource DirectoryIndex DirectorySlash
      DirectoryCheckHandler DirectoryIndexRedirect CheckSpelling CheckCaseOnly CheckBasenameMatch LanguagePriority
      ForceLanguagePriority MetaFiles MetaDir MetaSuffix Alias ScriptAlias AliasPreservePath ReflectorHeader`,
    reason: 'it is for pages of Apache: what is sent on has its handler',
  },
  {
    kind: 'none',
    names: `AddIcon AddIconByType AddIconByEncoding AddAlt AddAltByType AddAltByEncoding IndexOptions IndexOrderDefault IndexIgnore
      IndexIgnoreReset AddDescription HeaderName ReadmeName FancyIndexing DefaultIcon IndexStyleSheet IndexHeadInsert`,
    reason: 'it is about lists of folders',
  },
  {
    kind: 'none',
    names: `AuthName AuthBasicAuthoritative AuthBasicUseDigestAlgorithm AuthDigestProvider AuthDigestQop AuthDigestNonceLifetime
      AuthDigestNcCheck AuthDigestAlgorithm AuthDigestDomain AuthFormProvider AuthFormUsername AuthFormPassword AuthFormLocation
      AuthFormMethod AuthFormMimetype AuthFormBody AuthFormSize AuthFormLoginRequiredLocation AuthFormLoginSuccessLocation
      AuthFormLogoutLocation AuthFormSitePassphrase AuthFormAuthoritative AuthFormFakeBasicAuth AuthFormDisableNoStore Anonymous
      Anonymous_MustGiveEmail Anonymous_NoUserId Anonymous_VerifyEmail Anonymous_LogEmail AuthDBDUserPWQuery AuthDBDUserRealmQuery
      AuthDBMUserFile AuthDBMType AuthUserFile AuthnCacheProvideFor AuthnCacheTimeout AuthnCacheContext AuthLDAPURL AuthLDAPBindDN
      AuthLDAPBindPassword AuthLDAPBindAuthoritative AuthLDAPRemoteUserIsDN AuthLDAPRemoteUserAttribute AuthLDAPCompareDNOnServer
      AuthLDAPSubGroupAttribute AuthLDAPSubGroupClass AuthLDAPMaxSubGroupDepth AuthLDAPGroupAttribute AuthLDAPGroupAttributeIsDN
      AuthLDAPDereferenceAliases AuthLDAPAuthorizePrefix AuthLDAPInitialBindAsUser AuthLDAPInitialBindPattern AuthLDAPSearchAsUser
      AuthLDAPCompareAsUser AuthzSendForbiddenOnFailure AuthzDBDLoginToReferer AuthzDBDQuery AuthzDBDRedirectQuery AuthDBMGroupFile
      AuthzDBMType AuthGroupFile LDAPTrustedClientCert LDAPReferrals LDAPReferralHopLimit`,
    reason: 'it only says how a login is asked for, which AuthType and Require do',
  },
  {
    kind: 'none',
    names: `SessionMaxAge SessionHeader SessionEnv SessionInclude SessionExclude SessionExpiryUpdateInterval SessionCookieName
      SessionCookieName2 SessionCookieRemove SessionCryptoPassphrase SessionCryptoPassphraseFile SessionCryptoCipher
      SessionDBDSelectLabel SessionDBDInsertLabel SessionDBDUpdateLabel SessionDBDDeleteLabel SessionDBDPerUser
      SessionDBDCookieRemove SessionDBDCookieName SessionDBDCookieName2`,
    reason: 'it only says how sessions are kept, which Session does',
  },
  {
    kind: 'none',
    names: `CacheDisable CacheMaxExpire CacheMinExpire CacheDefaultExpire CacheIgnoreNoLastMod CacheStoreExpired CacheStorePrivate
      CacheStoreNoStore CacheLastModifiedFactor CacheHeader CacheDetailHeader CacheStaleOnError CacheMinFileSize CacheMaxFileSize
      CacheReadSize CacheReadTime CacheSocacheMaxTime CacheSocacheMinTime CacheSocacheMaxSize CacheSocacheReadSize
      CacheSocacheReadTime`,
    reason: 'it only says how answers are cached, which CacheEnable does',
  },
  {
    kind: 'none',
    names: `ExpiresByType ExpiresDefault CookieExpires CookieDomain CookieStyle CookieName CookieSameSite CookieSecure CookieHttpOnly`,
    reason: 'it only says how, where ExpiresActive or CookieTracking does it',
  },
  {
    kind: 'none',
    names: `BufferSize DeflateInflateLimitRequestBody DeflateInflateRatioLimit DeflateInflateRatioBurst CharsetOptions ExtFilterOptions
      FilterDeclare FilterProvider FilterTrace FilterProtocol XBitHack SSIErrorMsg SSITimeFormat SSIUndefinedEcho SSILegacyExprParser
      SSILastModified SSIEtag ProxyHTMLEvents ProxyHTMLLinks ProxyHTMLURLMap ProxyHTMLDoctype ProxyHTMLFixups ProxyHTMLMeta
      ProxyHTMLInterp ProxyHTMLExtended ProxyHTMLStripComments ProxyHTMLBufSize ProxyHTMLCharsetOut OutputSed InputSed
      SubstituteMaxLineLength SubstituteInheritBefore xml2EncDefault xml2StartParse RemoveInputFilter RemoveOutputFilter`,
    reason: 'it only says how a filter works, which another line puts in place',
  },
  {
    kind: 'none',
    names: 'RemoveCharset RemoveEncoding RemoveLanguage RemoveType',
    reason: 'it takes back what another line says of an ending',
  },
  {
    kind: 'none',
    names: 'RewriteEngine RewriteOptions RewriteBase RewriteCond RedirectRelative QualifyRedirectURL',
    reason: 'it does nothing without the RewriteRule or Redirect that it is about',
  },
  {
    kind: 'none',
    names: `ProxyFCGIBackendType ProxyFCGISetEnvIf ProxyFtpListOnWildcard ProxyFtpEscapeWildcards ProxyFtpDirCharset
      ProxySCGISendfile ProxySCGIInternalRedirect ProxyExpressDBMFile ProxyExpressDBMType`,
    reason: 'it is about servers that speak no HTTP',
  },
  {
    kind: 'none',
    names: 'ProxyWebsocketFallbackToProxyHttp H2Upgrade H2Push H2CopyFiles H2ProxyRequests KeptBodySize ModemStandard',
    reason: 'it is about how Apache itself takes requests and gives answers',
  },
  {
    kind: 'none',
    names: 'SetEnv SetEnvIf SetEnvIfNoCase SetEnvIfExpr BrowserMatch BrowserMatchNoCase PassEnv UnsetEnv',
    reason: 'it sets a variable: lines that ask for it are looked at by themselves',
  },
  {
    kind: 'none',
    names: 'LogLevel LogIOTrackTTFB HostnameLookups IdentityCheck IdentityCheckTimeout ServerSignature',
    reason: 'it is about logs of Apache and pages that it makes itself',
  },
  { kind: 'none', names: 'ProxyPassInherit', reason: 'lines of the main server come first whatever it says (AP-164)' },
  { kind: 'none', names: 'LimitRequestBody', reason: 'Apache keeps it on pages of its own alone (AP-122)' },
  {
    kind: 'none',
    names: 'LuaRoot LuaPackagePath LuaPackageCPath LuaScope LuaInherit LuaCodeCache',
    reason: 'it only says how Lua scripts run, which hooks and handlers put in place',
  },
  { kind: 'none', names: 'SSLRequireSSL', reason: 'what comes to a listener with TLS has it' },
  {
    kind: 'none',
    names: 'SSLOptions SSLUserName SSLRenegBufferSize',
    reason: 'it is about variables of TLS: lines that ask for one are looked at by themselves',
  },
  {
    kind: 'none',
    names: 'SSLCACertificateFile SSLCACertificatePath SSLLog SSLLogLevel',
    reason: 'Apache does not start with it in a section',
  },
];

const BY_NAME: ReadonlyMap<string, readonly Row[]> = TABLE.reduce((byName, row) => {
  for (const name of row.names.toLowerCase().split(/\s+/)) byName.set(name, [...(byName.get(name) ?? []), row]);
  return byName;
}, new Map<string, Row[]>());

/** Names of the table in lower case, sections with `<`. */
export const NAMES: ReadonlySet<string> = new Set(BY_NAME.keys());

/** What a line does where it stands; undefined where the table does not know its name, or no row is about what it says. */
export function effectOf(node: ConfigNode, at: 'section' | 'server'): Effect | undefined {
  return rowsOf(node).find(
    (row) => (row.at === undefined || row.at === at) && (row.saying === undefined || row.saying.test(node.rest.trim())),
  );
}

/** Whether the table knows the name of a line. */
export function isNamed(node: ConfigNode): boolean {
  return rowsOf(node).length > 0;
}

/** Whether each line of its name counts, and not the last alone. */
export function addsUp(node: ConfigNode): boolean {
  return rowsOf(node).some((row) => row.addsUp === true);
}

function rowsOf({ key, kind }: ConfigNode): readonly Row[] {
  return BY_NAME.get(kind === 'section' ? `<${key}` : key) ?? [];
}
