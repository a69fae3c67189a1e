// Room: the directives that a private copy does without, as a table by reason. What starts a program or loads code is never
// run for a comparison; what names files, users, sockets and names of this machine would meet those of the running Squid.
// What decides over requests, answers and heads stays, letter for letter.
import type { TakenOut } from '../oracle.ts';

type Group = { code: TakenOut['code']; why: string; names: string };

const GROUPS: readonly Group[] = [
  {
    code: 'COMMAND_TAKEN_OUT',
    why: 'starts a program or hands messages to one, which a comparison never does',
    names: `auth_param authenticate_program external_acl_type url_rewrite_program redirect_program store_id_program
      storeurl_rewrite_program location_rewrite_program sslpassword_program sslcrtd_program sslcrtvalidator_program
      unlinkd_program diskd_program pinger_program pinger_enable logfile_daemon cache_dns_program mail_program
      loadable_modules icap_service icap_class icap_access icap_enable icap_log ecap_service ecap_enable adaptation_access
      adaptation_service_set adaptation_service_chain adaptation_meta icap_service_failure_limit`,
  },
  {
    code: 'DIRECT_TAKEN_OUT',
    why: 'sends requests to whatever host they name, and a probe must not leave this machine; they go to the peers here',
    names: 'always_direct',
  },
  {
    code: 'MACHINE_TAKEN_OUT',
    why: 'names files, users, sockets or kernel settings of this machine; the copy has its own',
    names: `pid_filename cache_log access_log cache_access_log cache_store_log cache_swap_log cache_swap_state coredump_dir
      cache_dir cache_effective_user cache_effective_group chroot workers cpu_affinity_map icp_port htcp_port snmp_port
      udp_incoming_address udp_outgoing_address wccp_router wccp_address wccp_version wccp2_router wccp2_address
      wccp2_service wccp2_service_info mcast_groups announce_period announce_host announce_file announce_port
      netdb_filename log_icap log_access useragent_log referer_log forward_log mime_table icon_directory
      hosts_file dns_nameservers unique_hostname logfile_rotate shared_memory_locking
      max_filedescriptors max_filedesc ssl_engine tls_key_log tls_outgoing_options sslproxy_cafile sslproxy_capath
      sslproxy_cipher sslproxy_client_certificate sslproxy_client_key sslproxy_flags sslproxy_options sslproxy_version
      ssl_bump ftp_port tcp_outgoing_address tcp_outgoing_mark tcp_outgoing_tos tcp_outgoing_ds tcp_outgoing_dscp
      clientside_mark clientside_tos qos_flows mark_client_connection mark_client_packet shutdown_lifetime`,
  },
  {
    code: 'MACHINE_TAKEN_OUT',
    why: 'says who must send a PROXY header; probes name their clients otherwise',
    names: 'proxy_protocol_access',
  },
  {
    code: 'MACHINE_TAKEN_OUT',
    why: 'would let the cache answer in place of a server, and the question is which server a request reaches',
    names: 'cache no_cache cache_mem memory_cache_shared memory_cache_mode',
  },
];

const TABLE: ReadonlyMap<string, Omit<Group, 'names'>> = new Map(
  GROUPS.flatMap(({ names, ...group }) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, group] as const),
  ),
);

/** Whatever a later Squid calls its helpers. */
const HELPER_NAME = /_(?:program|daemon|modules)$/;

/** Why a directive is taken out; undefined for one that stays. */
export function takenOut(name: string): Omit<Group, 'names'> | undefined {
  return TABLE.get(name) ?? (HELPER_NAME.test(name) ? TABLE.get('mail_program') : undefined);
}

/** Acl types that need a helper that is taken out, or a program's word: in the copy such an acl never matches. */
export const HELPER_ACLS: readonly string[] = [
  'external',
  'proxy_auth',
  'proxy_auth_regex',
  'ext_user',
  'ext_user_regex',
  'max_user_ip',
];

/** Where the copy writes (`run`), its file of hosts, and the user it changes to, where it can. */
export type Own = { run: string; hosts: string; user?: string };

/** What the copy adds behind the user's lines. */
export function ownSettings({ run, hosts, user }: Own): string[] {
  return [
    `pid_filename ${run}/squid.pid`,
    `cache_log ${run}/cache.log`,
    `coredump_dir ${run}`,
    'access_log none',
    'cache deny all',
    'cache_mem 0 MB',
    'memory_cache_shared off',
    'workers 1',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    // Nobody answers there, soon: no name or address of a probe is asked of a real server.
    'dns_nameservers 127.0.0.1',
    'dns_timeout 1 second',
    'dns_retransmit_interval 100 milliseconds',
    `hosts_file ${hosts}`,
    ...(user === undefined ? [] : [`cache_effective_user ${user}`]),
  ];
}
