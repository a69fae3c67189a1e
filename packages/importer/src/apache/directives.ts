// Room: every directive of httpd 2.4 as a table: the module that brings it, and where in a file it may stand.
// Source: what `apache2 -L` of 2.4.71 (Debian) prints with all its modules loaded.
import { suggestion } from '@outrigger/rules';

/**
 * Where a directive may stand: `server` outside Directory, Location, Files, If and Proxy; `global` outside VirtualHost as
 * well; `inside` only in the former; or anywhere.
 */
export type Place = 'global' | 'server' | 'inside' | 'anywhere';

export type KnownDirective = {
  /** As the manual spells it, a section with its `<`. */
  name: string;
  /** Source file of its module, as IfModule knows it: mod_proxy.c. */
  module: string;
  place: Place;
};

/** Names by module and place. Sections carry their `<`. */
const TABLE: Readonly<Record<string, Partial<Record<Exclude<Place, 'global'>, string>>>> = {
  'core.c': {
    server: `<Directory <DirectoryMatch <Location <LocationMatch <VirtualHost AcceptFilter AccessFileName AllowEncodedSlashes
      CoreDumpDirectory DefaultRuntimeDir DocumentRoot ErrorLog ErrorLogFormat ExtendedStatus FlushMaxPipelined
      FlushMaxThreshold HttpProtocolOptions LimitInternalRecursion LimitRequestFields LimitRequestFieldsize
      LimitRequestLine MaxConnectionsPerChild MaxMemFree MaxRequestsPerChild MergeSlashes MergeTrailers Mutex
      NameVirtualHost PidFile Port Protocol Protocols ProtocolsHonorOrder RegexDefaultOptions RegisterHttpMethod
      ScoreBoardFile SeeRequestTail ServerAdmin ServerAlias ServerName ServerPath ServerRoot ServerTokens
      StrictHostCheck ThreadStackSize Timeout TraceEnable`,
    anywhere: `<Else <ElseIf <Files <FilesMatch <If <IfDefine <IfDirective <IfFile <IfModule <IfSection AcceptPathInfo
      AddDefaultCharset CGIVar ContentDigest DefaultType Define EnableMMAP EnableSendfile Error ErrorDocument FileETag
      ForceType HostnameLookups Include IncludeOptional LimitRequestBody LimitXMLRequestBody LogLevel MaxRangeOverlaps
      MaxRangeReversals MaxRanges Options QualifyRedirectURL ReadBufferSize RLimitCPU RLimitMEM RLimitNPROC
      ServerSignature SetHandler SetInputFilter SetOutputFilter UnDefine UseCanonicalName UseCanonicalPhysicalPort`,
    inside: '<Limit <LimitExcept AllowOverride AllowOverrideList CGIPassAuth',
  },
  'http_core.c': {
    server: 'KeepAlive KeepAliveTimeout MaxKeepAliveRequests',
  },
  'mod_so.c': {
    server: 'LoadFile LoadModule',
  },
  'mod_unixd.c': {
    server: 'ChrootDir Group Suexec User',
  },
  'event.c': {
    server: `AsyncRequestWorkerFactor GracefulShutdownTimeout Listen ListenBacklog ListenCoresBucketsRatio
      ListenTCPDeferAccept MaxClients MaxRequestWorkers MaxSpareThreads MinSpareThreads ReceiveBufferSize
      SendBufferSize ServerLimit StartServers ThreadLimit ThreadsPerChild`,
  },
  'prefork.c': {
    server: 'MaxSpareServers MinSpareServers',
  },
  'mod_access_compat.c': {
    inside: 'allow deny order Satisfy',
  },
  'mod_actions.c': {
    anywhere: 'Action Script',
  },
  'mod_alias.c': {
    server: 'AliasMatch ScriptAliasMatch',
    anywhere: `Alias AliasPreservePath Redirect RedirectMatch RedirectPermanent RedirectRelative RedirectTemp ScriptAlias`,
  },
  'mod_allowmethods.c': {
    inside: 'AllowMethods',
  },
  'mod_auth_basic.c': {
    inside: `AuthBasicAuthoritative AuthBasicFake AuthBasicProvider AuthBasicUseDigestAlgorithm`,
  },
  'mod_auth_digest.c': {
    server: 'AuthDigestShmemSize',
    inside: `AuthDigestAlgorithm AuthDigestDomain AuthDigestNcCheck AuthDigestNonceLifetime AuthDigestProvider AuthDigestQop`,
  },
  'mod_auth_form.c': {
    inside: `AuthFormAuthoritative AuthFormBody AuthFormDisableNoStore AuthFormFakeBasicAuth AuthFormLocation
      AuthFormLoginRequiredLocation AuthFormLoginSuccessLocation AuthFormLogoutLocation AuthFormMethod
      AuthFormMimetype AuthFormPassword AuthFormProvider AuthFormSitePassphrase AuthFormSize AuthFormUsername`,
  },
  'mod_authn_anon.c': {
    inside: `Anonymous Anonymous_LogEmail Anonymous_MustGiveEmail Anonymous_NoUserId Anonymous_VerifyEmail`,
  },
  'mod_authn_core.c': {
    server: '<AuthnProviderAlias',
    inside: 'AuthName AuthType',
  },
  'mod_authn_dbd.c': {
    inside: 'AuthDBDUserPWQuery AuthDBDUserRealmQuery',
  },
  'mod_authn_dbm.c': {
    inside: 'AuthDBMType AuthDBMUserFile',
  },
  'mod_authn_file.c': {
    inside: 'AuthUserFile',
  },
  'mod_authn_socache.c': {
    server: 'AuthnCacheEnable AuthnCacheSOCache',
    inside: 'AuthnCacheContext AuthnCacheProvideFor AuthnCacheTimeout',
  },
  'mod_authnz_fcgi.c': {
    server: 'AuthnzFcgiDefineProvider',
    anywhere: 'AuthnzFcgiCheckAuthnProvider',
  },
  'mod_authnz_ldap.c': {
    server: 'AuthLDAPCharsetConfig',
    inside: `AuthLDAPAuthorizePrefix AuthLDAPBindAuthoritative AuthLDAPBindDN AuthLDAPBindPassword AuthLDAPCompareAsUser
      AuthLDAPCompareDNOnServer AuthLDAPDereferenceAliases AuthLDAPGroupAttribute AuthLDAPGroupAttributeIsDN
      AuthLDAPInitialBindAsUser AuthLDAPInitialBindPattern AuthLDAPMaxSubGroupDepth AuthLDAPRemoteUserAttribute
      AuthLDAPRemoteUserIsDN AuthLDAPSearchAsUser AuthLDAPSubGroupAttribute AuthLDAPSubGroupClass AuthLDAPURL`,
  },
  'mod_authz_core.c': {
    server: '<AuthzProviderAlias',
    inside: `<RequireAll <RequireAny <RequireNone AuthMerging AuthzSendForbiddenOnFailure Require`,
  },
  'mod_authz_dbd.c': {
    inside: 'AuthzDBDLoginToReferer AuthzDBDQuery AuthzDBDRedirectQuery',
  },
  'mod_authz_dbm.c': {
    inside: 'AuthDBMGroupFile AuthzDBMType',
  },
  'mod_authz_groupfile.c': {
    inside: 'AuthGroupFile',
  },
  'mod_autoindex.c': {
    anywhere: `AddAlt AddAltByEncoding AddAltByType AddDescription AddIcon AddIconByEncoding AddIconByType DefaultIcon
      FancyIndexing HeaderName IndexHeadInsert IndexIgnore IndexIgnoreReset IndexOptions IndexOrderDefault
      IndexStyleSheet ReadmeName`,
  },
  'mod_brotli.c': {
    server: `BrotliAlterETag BrotliCompressionMaxInputBlock BrotliCompressionQuality BrotliCompressionWindow BrotliFilterNote`,
  },
  'mod_buffer.c': {
    inside: 'BufferSize',
  },
  'mod_cache.c': {
    server: `CacheIgnoreCacheControl CacheIgnoreHeaders CacheIgnoreQueryString CacheIgnoreURLSessionIdentifiers
      CacheKeyBaseURL CacheLock CacheLockMaxAge CacheLockPath CacheQuickHandler`,
    anywhere: `CacheDefaultExpire CacheDetailHeader CacheDisable CacheEnable CacheHeader CacheIgnoreNoLastMod
      CacheLastModifiedFactor CacheMaxExpire CacheMinExpire CacheStaleOnError CacheStoreExpired CacheStoreNoStore
      CacheStorePrivate`,
  },
  'mod_cache_disk.c': {
    server: 'CacheDirLength CacheDirLevels CacheRoot',
    anywhere: 'CacheMaxFileSize CacheMinFileSize CacheReadSize CacheReadTime',
  },
  'mod_cache_socache.c': {
    server: 'CacheSocache',
    anywhere: `CacheSocacheMaxSize CacheSocacheMaxTime CacheSocacheMinTime CacheSocacheReadSize CacheSocacheReadTime`,
  },
  'mod_cern_meta.c': {
    anywhere: 'MetaDir MetaFiles MetaSuffix',
  },
  'mod_cgi.c': {
    server: 'ScriptLog ScriptLogBuffer ScriptLogLength',
    anywhere: 'CGIScriptTimeout',
  },
  'mod_cgid.c': {
    server: 'ScriptLog ScriptLogBuffer ScriptLogLength ScriptSock',
    anywhere: 'CGIDScriptTimeout',
  },
  'mod_charset_lite.c': {
    anywhere: 'CharsetDefault CharsetOptions CharsetSourceEnc',
  },
  'mod_dav.c': {
    anywhere: 'DAVDepthInfinity DAVLockDiscovery DAVMinTimeout',
    inside: 'DAV DAVBasePath',
  },
  'mod_dav_lock.c': {
    inside: 'DAVGenericLockDB',
  },
  'mod_dav_fs.c': {
    server: 'DAVLockDB',
  },
  'mod_dbd.c': {
    server: `DBDExptime DBDInitSQL DBDKeep DBDMax DBDMin DBDParams DBDPersist DBDPrepareSQL DBDriver`,
  },
  'mod_deflate.c': {
    server: `DeflateAlterEtag DeflateBufferSize DeflateCompressionLevel DeflateFilterNote DeflateMemLevel DeflateWindowSize`,
    anywhere: `DeflateInflateLimitRequestBody DeflateInflateRatioBurst DeflateInflateRatioLimit`,
  },
  'mod_dialup.c': {
    inside: 'ModemStandard',
  },
  'mod_dir.c': {
    anywhere: `DirectoryCheckHandler DirectoryIndex DirectoryIndexRedirect DirectorySlash FallbackResource`,
  },
  'mod_dumpio.c': {
    server: 'DumpIOInput DumpIOOutput',
  },
  'mod_echo.c': {
    server: 'ProtocolEcho',
  },
  'mod_env.c': {
    anywhere: 'PassEnv SetEnv UnsetEnv',
  },
  'mod_expires.c': {
    anywhere: 'ExpiresActive ExpiresByType ExpiresDefault',
  },
  'mod_ext_filter.c': {
    server: 'ExtFilterDefine',
    inside: 'ExtFilterOptions',
  },
  'mod_file_cache.c': {
    server: 'cachefile mmapfile',
  },
  'mod_filter.c': {
    anywhere: `AddOutputFilterByType FilterChain FilterDeclare FilterProtocol FilterProvider FilterTrace`,
  },
  'mod_headers.c': {
    anywhere: 'Header RequestHeader',
  },
  'mod_heartbeat.c': {
    server: 'HeartbeatAddress',
  },
  'mod_heartmonitor.c': {
    server: 'HeartbeatListen HeartbeatMaxServers HeartbeatStorage',
  },
  'mod_http2.c': {
    server: `H2Direct H2EarlyHints H2MaxDataFrameLen H2MaxHeaderBlockLen H2MaxSessionStreams H2MaxStreamErrors
      H2MaxWorkerIdleSeconds H2MaxWorkers H2MinWorkers H2ModernTLSOnly H2OutputBuffering H2Padding H2PushDiarySize
      H2PushPriority H2SerializeHeaders H2SessionExtraFiles H2StreamMaxMemSize H2StreamTimeout H2TLSCoolDownSecs
      H2TLSWarmUpSize H2WebSockets H2WindowSize`,
    anywhere: `H2CopyFiles H2EarlyHint H2ProxyRequests H2Push H2PushResource H2Upgrade`,
  },
  'mod_ident.c': {
    anywhere: 'IdentityCheck IdentityCheckTimeout',
  },
  'mod_imagemap.c': {
    anywhere: 'ImapBase ImapDefault ImapMenu',
  },
  'mod_include.c': {
    server: 'SSIEndTag SSIStartTag',
    anywhere: 'SSIErrorMsg SSITimeFormat SSIUndefinedEcho XBitHack',
    inside: 'SSIEtag SSILastModified SSILegacyExprParser',
  },
  'mod_info.c': {
    server: 'AddModuleInfo',
  },
  'mod_lbmethod_heartbeat.c': {
    server: 'HeartbeatStorage',
  },
  'mod_log_config.c': {
    server: 'BufferedLogs CustomLog GlobalLog LogFormat TransferLog',
  },
  'mod_log_debug.c': {
    anywhere: 'LogMessage',
  },
  'mod_log_forensic.c': {
    server: 'ForensicLog',
  },
  'mod_logio.c': {
    anywhere: 'LogIOTrackTTFB',
  },
  'mod_lua.c': {
    server: 'LuaAuthzProvider',
    anywhere: `<LuaHookAccessChecker <LuaHookAuthChecker <LuaHookCheckUserID <LuaHookFixups <LuaHookMapToStorage
      <LuaHookPreTranslateName <LuaHookTranslateName <LuaHookTypeChecker <LuaQuickHandler Lua_____ByteCodeHack
      LuaCodeCache LuaHookAccessChecker LuaHookAuthChecker LuaHookCheckUserID LuaHookFixups LuaHookInsertFilter
      LuaHookLog LuaHookMapToStorage LuaHookPreTranslateName LuaHookTranslateName LuaHookTypeChecker LuaInherit
      LuaInputFilter LuaMapHandler LuaOutputFilter LuaPackageCPath LuaPackagePath LuaQuickHandler LuaRoot LuaScope`,
  },
  'mod_macro.c': {
    anywhere: '<Macro MacroIgnoreBadNesting MacroIgnoreEmptyArgs UndefMacro Use',
  },
  'mod_md.c': {
    server: `<MDomain <MDomainSet MDActivationDelay MDBaseServer MDCACertificateFile MDCAChallenges MDCertificateAgreement
      MDCertificateAuthority MDCertificateCheck MDCertificateFile MDCertificateKeyFile MDCertificateProtocol
      MDCertificateStatus MDChallengeDns01 MDChallengeDns01Version MDCheckInterval MDContactEmail MDDriveMode
      MDExternalAccountBinding MDHttpProxy MDHttpProxyCACertificateFile MDInitialDelay MDMatchNames MDMember MDMembers
      MDMessageCmd MDMustStaple MDNotifyCmd MDomain MDPortMap MDPrivateKeys MDProfile MDProfileMandatory MDRenewMode
      MDRenewViaARI MDRenewWindow MDRetryDelay MDRetryFailover MDServerStatus MDStapleOthers MDStapling
      MDStaplingKeepResponse MDStaplingRenewWindow MDStoreDir MDStoreLocks MDWarnWindow`,
    anywhere: 'MDRequireHttps',
  },
  'mod_mime.c': {
    server: 'TypesConfig',
    anywhere: `AddCharset AddEncoding AddHandler AddInputFilter AddLanguage AddOutputFilter AddType DefaultLanguage
      MultiviewsMatch RemoveCharset RemoveEncoding RemoveHandler RemoveInputFilter RemoveLanguage RemoveOutputFilter
      RemoveType`,
    inside: 'ModMimeUsePathInfo',
  },
  'mod_mime_magic.c': {
    server: 'MimeMagicFile',
  },
  'mod_negotiation.c': {
    server: 'CacheNegotiatedDocs',
    anywhere: 'ForceLanguagePriority LanguagePriority',
  },
  'mod_proxy.c': {
    server: `<Proxy <ProxyMatch BalancerGrowth BalancerInherit BalancerPersist NoProxy ProxyBadHeader ProxyBlock ProxyDomain
      ProxyIOBufferSize ProxyMaxForwards ProxyPassInherit ProxyReceiveBufferSize ProxyRemote ProxyRemoteMatch
      ProxyRequests ProxySourceAddress ProxyStatus ProxyTimeout ProxyVia`,
    anywhere: `BalancerMember Proxy100Continue ProxyAddHeaders ProxyErrorOverride ProxyPass ProxyPassInterpolateEnv
      ProxyPassMatch ProxyPassReverse ProxyPassReverseCookieDomain ProxyPassReverseCookiePath ProxyPreserveHost
      ProxySet`,
  },
  'mod_proxy_connect.c': {
    server: 'AllowCONNECT',
  },
  'mod_proxy_express.c': {
    anywhere: 'ProxyExpressDBMFile ProxyExpressDBMType ProxyExpressEnable',
  },
  'mod_proxy_fcgi.c': {
    anywhere: 'ProxyFCGIBackendType ProxyFCGISetEnvIf',
  },
  'mod_proxy_ftp.c': {
    anywhere: 'ProxyFtpDirCharset ProxyFtpEscapeWildcards ProxyFtpListOnWildcard',
  },
  'mod_proxy_hcheck.c': {
    server: 'ProxyHCTPsize',
    anywhere: 'ProxyHCExpr ProxyHCTemplate',
  },
  'mod_proxy_html.c': {
    anywhere: `ProxyHTMLBufSize ProxyHTMLCharsetOut ProxyHTMLDoctype ProxyHTMLEnable ProxyHTMLEvents ProxyHTMLExtended
      ProxyHTMLFixups ProxyHTMLInterp ProxyHTMLLinks ProxyHTMLMeta ProxyHTMLStripComments ProxyHTMLURLMap`,
  },
  'mod_proxy_scgi.c': {
    anywhere: 'ProxySCGIInternalRedirect ProxySCGISendfile',
  },
  'mod_proxy_wstunnel.c': {
    anywhere: 'ProxyWebsocketFallbackToProxyHttp',
  },
  'mod_reflector.c': {
    anywhere: 'ReflectorHeader',
  },
  'mod_remoteip.c': {
    server: `RemoteIPHeader RemoteIPInternalProxy RemoteIPInternalProxyList RemoteIPProxiesHeader RemoteIPProxyProtocol
      RemoteIPProxyProtocolExceptions RemoteIPTrustedProxy RemoteIPTrustedProxyList`,
  },
  'mod_reqtimeout.c': {
    server: 'RequestReadTimeout',
  },
  'mod_request.c': {
    inside: 'KeptBodySize',
  },
  'mod_rewrite.c': {
    server: 'RewriteMap',
    anywhere: 'RewriteBase RewriteCond RewriteEngine RewriteOptions RewriteRule',
  },
  'mod_sed.c': {
    inside: 'InputSed OutputSed',
  },
  'mod_session.c': {
    anywhere: `Session SessionEnv SessionExclude SessionExpiryUpdateInterval SessionHeader SessionInclude SessionMaxAge`,
  },
  'mod_session_cookie.c': {
    anywhere: 'SessionCookieName SessionCookieName2 SessionCookieRemove',
  },
  'mod_session_crypto.c': {
    server: 'SessionCryptoDriver',
    anywhere: `SessionCryptoCipher SessionCryptoPassphrase SessionCryptoPassphraseFile`,
  },
  'mod_session_dbd.c': {
    anywhere: `SessionDBDCookieName SessionDBDCookieName2 SessionDBDCookieRemove SessionDBDDeleteLabel SessionDBDInsertLabel
      SessionDBDPerUser SessionDBDSelectLabel SessionDBDUpdateLabel`,
  },
  'mod_setenvif.c': {
    anywhere: 'BrowserMatch BrowserMatchNoCase SetEnvIf SetEnvIfExpr SetEnvIfNoCase',
  },
  'mod_socache_memcache.c': {
    server: 'MemcacheConnTTL',
  },
  'mod_socache_redis.c': {
    server: 'RedisConnPoolTTL RedisTimeout',
  },
  'mod_speling.c': {
    anywhere: 'CheckBasenameMatch CheckCaseOnly CheckSpelling',
  },
  'mod_ssl.c': {
    server: `SSLCADNRequestFile SSLCADNRequestPath SSLCARevocationCheck SSLCARevocationFile SSLCARevocationPath
      SSLCertificateChainFile SSLCertificateFile SSLCertificateKeyFile SSLCompression SSLCryptoDevice SSLEngine
      SSLFIPS SSLHonorCipherOrder SSLInsecureRenegotiation SSLOCSPDefaultResponder SSLOCSPEnable SSLOCSPNoVerify
      SSLOCSPOverrideResponder SSLOCSPProxyURL SSLOCSPResponderCertificateFile SSLOCSPResponderTimeout
      SSLOCSPResponseMaxAge SSLOCSPResponseTimeSkew SSLOCSPUseRequestNonce SSLOpenSSLConfCmd SSLPassPhraseDialog
      SSLProtocol SSLProxyCACertificateFile SSLProxyCACertificatePath SSLProxyCARevocationCheck
      SSLProxyCARevocationFile SSLProxyCARevocationPath SSLProxyCheckPeerCN SSLProxyCheckPeerExpire
      SSLProxyCheckPeerName SSLProxyCipherSuite SSLProxyEngine SSLProxyMachineCertificateChainFile
      SSLProxyMachineCertificateFile SSLProxyMachineCertificatePath SSLProxyProtocol SSLProxyVerify
      SSLProxyVerifyDepth SSLRandomSeed SSLSessionCache SSLSessionCacheTimeout SSLSessionTicketKeyFile
      SSLSessionTickets SSLSRPUnknownUserSeed SSLSRPVerifierFile SSLStaplingCache SSLStaplingErrorCacheTimeout
      SSLStaplingFakeTryLater SSLStaplingForceURL SSLStaplingResponderTimeout SSLStaplingResponseMaxAge
      SSLStaplingResponseTimeSkew SSLStaplingReturnResponderErrors SSLStaplingStandardCacheTimeout
      SSLStrictSNIVHostCheck SSLUseStapling SSLVHostSNIPolicy`,
    anywhere: `SSLCACertificateFile SSLCACertificatePath SSLCipherSuite SSLLog SSLLogLevel SSLOptions SSLUserName
      SSLVerifyClient SSLVerifyDepth`,
    inside: 'SSLRenegBufferSize SSLRequire SSLRequireSSL',
  },
  'mod_substitute.c': {
    anywhere: 'Substitute SubstituteInheritBefore SubstituteMaxLineLength',
  },
  'mod_suexec.c': {
    server: 'SuexecUserGroup',
  },
  'mod_userdir.c': {
    server: 'UserDir',
  },
  'mod_usertrack.c': {
    anywhere: `CookieDomain CookieExpires CookieHttpOnly CookieName CookieSameSite CookieSecure CookieStyle CookieTracking`,
  },
  'mod_version.c': {
    anywhere: '<IfVersion',
  },
  'mod_vhost_alias.c': {
    server: `VirtualDocumentRoot VirtualDocumentRootIP VirtualScriptAlias VirtualScriptAliasIP`,
  },
  'mod_watchdog.c': {
    server: 'WatchdogInterval',
  },
  'mod_xml2enc.c': {
    server: 'xml2EncAlias',
    anywhere: 'xml2EncDefault xml2StartParse',
  },
  'util_ldap.c': {
    server: `LDAPCacheEntries LDAPCacheTTL LDAPConnectionPoolTTL LDAPConnectionTimeout LDAPLibraryDebug LDAPOpCacheEntries
      LDAPOpCacheTTL LDAPRetries LDAPRetryDelay LDAPSharedCacheFile LDAPSharedCacheSize LDAPTimeout
      LDAPTrustedGlobalCert LDAPTrustedMode LDAPVerifyServerCert`,
    inside: 'LDAPReferralHopLimit LDAPReferrals LDAPTrustedClientCert',
  },
};

/** Modules of httpd without directives of their own. */
const QUIET_MODULES: ReadonlySet<string> = new Set(
  `worker asis auth_basic authn_socache authz_host authz_owner authz_user data proxy_ajp proxy_balancer proxy_fdpass proxy_http
  proxy_http2 proxy_uwsgi lbmethod_byrequests lbmethod_bytraffic lbmethod_bybusyness slotmem_shm slotmem_plain socache_dbm
  socache_shmcb unique_id status ratelimit authz_groupfile cache_socache`
    .split(/\s+/)
    .map((name) => (name === 'worker' ? 'worker.c' : `mod_${name}.c`)),
);

/** Directives of MPMs have their table under one of them: each MPM brings them. */
const ANY_MPM = 'event.c';

/** Those of `server` that a VirtualHost refuses; tried on 2.4.71, as the list above does not tell. */
const GLOBAL: ReadonlySet<string> = new Set(
  `<VirtualHost AcceptFilter AsyncRequestWorkerFactor AuthnCacheEnable AuthnCacheSOCache AuthnzFcgiDefineProvider ChrootDir
  CoreDumpDirectory ExtendedStatus GlobalLog GracefulShutdownTimeout Group HeartbeatAddress HeartbeatListen
  HeartbeatMaxServers HeartbeatStorage LDAPCacheEntries LDAPCacheTTL LDAPConnectionTimeout LDAPLibraryDebug
  LDAPOpCacheEntries LDAPOpCacheTTL LDAPRetries LDAPRetryDelay LDAPSharedCacheFile LDAPSharedCacheSize LDAPTimeout
  LDAPTrustedGlobalCert LDAPVerifyServerCert Listen ListenBacklog ListenCoresBucketsRatio ListenTCPDeferAccept
  MaxClients MaxConnectionsPerChild MaxMemFree MaxRequestWorkers MaxRequestsPerChild MaxSpareServers MaxSpareThreads
  MinSpareServers MinSpareThreads Mutex PidFile ProxyHCTPsize ReceiveBufferSize RegexDefaultOptions RegisterHttpMethod
  SSLCryptoDevice SSLFIPS SSLPassPhraseDialog SSLRandomSeed SSLSessionCache SSLStaplingCache SSLVHostSNIPolicy
  ScoreBoardFile ScriptSock SeeRequestTail SendBufferSize ServerLimit ServerTokens SessionCryptoDriver StartServers
  Suexec ThreadLimit ThreadStackSize ThreadsPerChild User WatchdogInterval xml2EncAlias`.split(/\s+/),
);

const KNOWN: ReadonlyMap<string, KnownDirective> = new Map(
  Object.entries(TABLE).flatMap(([module, places]) =>
    Object.entries(places).flatMap(([listed, names]) =>
      names.split(/\s+/).map((name): [string, KnownDirective] => {
        const place = GLOBAL.has(name) ? 'global' : (listed as Place);
        return [name.toLowerCase(), { name, module, place }];
      }),
    ),
  ),
);

/** What is known of a name in any spelling, a section with its `<`; undefined where httpd 2.4 has no such directive. */
export function knownDirective(name: string): KnownDirective | undefined {
  return KNOWN.get(name.toLowerCase());
}

/** Every directive of httpd. */
export function everyKnownDirective(): KnownDirective[] {
  return [...KNOWN.values()];
}

/** True where the module of a directive is among `loaded` (source files, as IfModule knows them). Some MPM is always there. */
export function isProvided({ module }: KnownDirective, loaded: ReadonlySet<string>): boolean {
  return module === ANY_MPM || module === 'prefork.c' || loaded.has(module);
}

/** True where httpd itself has a module with this source file. */
export function isOwnModule(file: string): boolean {
  return file in TABLE || QUIET_MODULES.has(file);
}

/** The nearest known name, where one is near. */
export function nearestDirective(name: string): string | undefined {
  return suggestion(
    name,
    [...KNOWN.values()].map((known) => known.name),
  );
}
