// Room: every directive of Squid 2.6 to 7 by what becomes of it and why. Names from src/cf.data.pre of those versions.
// Directives that rules are made from name their handler; all others are settled here, by one sentence.
import { suggestion } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import type { Disposition } from '../ledger.ts';
import { PAGE_SETTINGS } from './errorpages.ts';
import { LIMIT_DIRECTIVES } from './limits.ts';

/** Directives that are read into the model. */
export const MODELLED = [
  'acl',
  'http_port',
  'https_port',
  'cache_peer',
  'cache_peer_access',
  'cache_peer_domain',
  'http_access',
  'http_access2',
  'adapted_http_access',
  'miss_access',
  'http_reply_access',
  'always_direct',
  'never_direct',
  'deny_info',
  'extension_methods',
  'follow_x_forwarded_for',
  'proxy_protocol_access',
  'acl_uses_indirect_client',
  'log_uses_indirect_client',
  'forwarded_for',
  'access_log',
  'cache_access_log',
  'logformat',
  'strip_query_terms',
  'emulate_httpd_log',
  'client_netmask',
  'request_header_access',
  'request_header_replace',
  'request_header_add',
  'reply_header_access',
  'reply_header_replace',
  'reply_header_add',
  'header_access',
  'header_replace',
  'configuration_includes_quoted_values',
  ...PAGE_SETTINGS,
  ...LIMIT_DIRECTIVES,
] as const;
export type Modelled = (typeof MODELLED)[number];

export type Settled = { disposition: Disposition; code: ImportCode; why: string; hint?: string };

type Group = Settled & { names: string };

const GROUPS: readonly Group[] = [
  {
    disposition: 'irrelevant',
    code: 'SQUID_CACHE',
    why: 'concerns the cache; Outrigger keeps none',
    names: `cache cache_dir cache_mem cache_replacement_policy cache_swap_high cache_swap_low cache_swap_log cache_swap_state
      cache_vary cache_miss_revalidate broken_vary_encoding collapsed_forwarding collapsed_forwarding_access
      collapsed_forwarding_shared_entries_limit shared_transient_entries_limit diskd_program unlinkd_program
      ie_refresh ignore_ims_on_miss max_open_disk_fds max_stale maximum_object_size maximum_object_size_in_memory
      memory_cache_mode memory_cache_shared memory_replacement_policy minimum_expiry_time minimum_object_size negative_ttl
      no_cache offline_mode paranoid_hit_validation quick_abort_max quick_abort_min quick_abort_pct range_offset_limit
      read_ahead_gap refresh_all_ims refresh_pattern refresh_stale_hit reload_into_ims reference_age send_hit store_miss
      store_avg_object_size store_dir_select_algorithm store_objects_per_bucket storeurl_access storeurl_rewrite_children
      storeurl_rewrite_concurrency storeurl_rewrite_program store_id_access store_id_bypass store_id_children store_id_extras
      store_id_program swap_level1_dirs swap_level2_dirs update_headers vary_ignore_expire zero_buffers cache_store_log
      external_refresh_check esi_parser httpd_accel_surrogate_id http_accel_surrogate_remote`,
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_OPERATION',
    why: 'says how Squid runs as a process or presents itself; nothing of it is needed',
    names: `accept_filter announce_file announce_host announce_period announce_port as_whois_server cache_effective_group
      cache_effective_user cache_dns_program check_hostnames chroot coredump_dir cpu_affinity_map dns_children
      dns_defnames dns_multicast_local dns_nameservers dns_packet_max dns_retransmit_interval dns_testnames dns_timeout
      dns_v4_fallback dns_v4_first error_log_languages error_map fqdncache_size ftp_list_width global_internal_static high_memory_warning
      high_page_fault_warning high_response_time_warning hopeless_kid_revival_delay hostname_aliases hosts_file
      icon_directory ignore_unknown_nameservers incoming_dns_average incoming_http_average
      incoming_icp_average incoming_rate incoming_tcp_average incoming_udp_average ipcache_high ipcache_low ipcache_size
      loadable_modules mail_from mail_program max_filedesc max_filedescriptors memory_pools memory_pools_limit mime_table
      min_dns_poll_cnt min_http_poll_cnt min_icp_poll_cnt min_tcp_poll_cnt min_udp_poll_cnt negative_dns_ttl pid_filename
      pinger_enable pinger_program positive_dns_ttl shared_memory_locking short_icon_urls shutdown_lifetime
      sleep_after_fork ssl_engine sslpassword_program tcp_recv_bufsize umask unique_hostname
      windows_ipaddrchangemonitor workers client_db server_pconn_for_nonretriable happy_eyeballs_connect_gap
      happy_eyeballs_connect_limit happy_eyeballs_connect_timeout balance_on_multiple_ip maximum_single_addr_tries
      connect_retries append_domain tls_key_log httpd_accel_no_pmtu_disc eui_lookup stats_collection
      ssl_unclean_shutdown cachemgr_passwd half_closed_clients pipeline_prefetch detect_broken_pconn
      persistent_connection_after_error server_persistent_connections client_persistent_connections
      force_request_body_continuation ignore_expect_100 broken_posts request_entities relaxed_header_parser
      client_request_buffer_max_size chunked_request_body_max_size retry_on_error forward_max_tries
      dead_peer_timeout adaptation_uses_indirect_client delay_pool_uses_indirect_client tproxy_uses_indirect_client via allow_underscore`,
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_LOG',
    why: 'says how Squid logs; Outrigger has a log of its own',
    names: `buffered_logs cache_log cache_log_message debug_options forward_log icap_log
      log_access log_fqdn log_icap log_icp_queries log_ip_on_direct log_mime_hdrs logfile_daemon logfile_rotate 
      referer_log referer_log_format  useragent_log  note`,
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_FORWARD_PROXY',
    why: 'concerns forward proxying or interception, which neither this accelerator nor Outrigger does',
    names: `client_dst_passthru ftp_client_idle_timeout ftp_epsv ftp_epsv_all ftp_eprt ftp_passive ftp_port ftp_sanitycheck
      ftp_telnet_protocol ftp_user host_verify_strict nonhierarchical_direct on_unsupported_protocol prefer_direct
      sslcrtd_children sslcrtd_program sslcrtvalidator_children sslcrtvalidator_program sslproxy_cert_adapt
      sslproxy_cert_sign sslproxy_cert_sign_hash sslproxy_foreign_intermediate_certs sslproxy_session_cache_size
      sslproxy_session_ttl spoof_client_ip wais_relay_host wais_relay_port minimum_direct_hops minimum_direct_rtt`,
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_SIBLINGS',
    why: 'concerns talk between caches; an origin server is not asked by it',
    names: `background_ping_rate digest_bits_per_entry digest_generation digest_rebuild_chunk_percentage digest_rebuild_period
      digest_rewrite_period digest_swapout_chunk_size htcp_access htcp_clr_access htcp_port icp_access icp_hit_stale icp_port
      icp_query_timeout maximum_icp_query_timeout minimum_icp_query_timeout mcast_groups mcast_icp_query_timeout
      mcast_miss_addr mcast_miss_encode_key mcast_miss_port mcast_miss_ttl neighbor_timeout neighbor_type_domain netdb_filename
      netdb_high netdb_low netdb_ping_period netdb_ping_rate query_icmp single_parent_bypass snmp_access snmp_community
      snmp_incoming_address snmp_outgoing_address snmp_port test_reachability udp_incoming_address udp_outgoing_address
      wccp2_address wccp2_assignment_method wccp2_forwarding_method wccp2_rebuild_wait wccp2_return_method wccp2_router
      wccp2_service wccp2_service_info wccp2_weight wccp_address wccp_router wccp_version inside_firewall local_domain
      local_ip firewall_ip source_ping`,
  },
  {
    disposition: 'approximated',
    code: 'SQUID_TIMEOUT',
    why: 'is not carried over: Outrigger keeps limits made for channels that stay silent for hours',
    hint: 'Where you need another one, set limits, or timeouts of an upstream.',
    names: `client_lifetime forward_timeout ident_timeout pconn_lifetime pconn_timeout request_start_timeout
      server_idle_pconn_timeout siteselect_timeout write_timeout reply_header_max_size`,
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_TIMEOUT',
    why: 'counts for connections past all peers; for those to a peer peer_connect_timeout does',
    names: 'connect_timeout',
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_OBSOLETE',
    why: 'is ignored by Squid itself in current versions',
    names: `authenticate_cache_garbage_interval authenticate_ip_ttl authenticate_ip_shortcircuit_access
      authenticate_ip_shortcircuit_ttl authenticate_ttl hierarchy_stoplist server_http11 upgrade_http0.9 zph_local zph_mode
      zph_option zph_parent zph_sibling ident_lookup_access ident_lookup`,
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_UNTRANSLATED',
    why: 'asks a helper program about each request, which rules cannot do',
    hint: 'Write what the helper decides as routes or access lines, or keep it in front of the site it serves.',
    names: `auth_param auth_schemes external_acl_type redirect_children redirect_concurrency redirect_program redirector_access
      redirector_bypass rewrite rewrite_access url_rewrite_access url_rewrite_bypass url_rewrite_children
      url_rewrite_concurrency url_rewrite_extras url_rewrite_program url_rewrite_timeout location_rewrite_access
      location_rewrite_children location_rewrite_concurrency location_rewrite_program authenticate_program
      authenticate_children proxy_auth_realm`,
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_UNTRANSLATED',
    why: 'hands messages to a content adapter (ICAP or eCAP); Outrigger does not look inside messages',
    hint: 'Keep the adapter in front of the site that needs it.',
    names: `adaptation_access adaptation_masterx_shared_names adaptation_meta adaptation_send_client_ip adaptation_send_username
      adaptation_service_chain adaptation_service_iteration_limit adaptation_service_set ecap_enable ecap_service icap_206_enable
      icap_access icap_class icap_client_username_encode icap_client_username_header icap_connect_timeout
      icap_default_options_ttl icap_enable icap_io_timeout icap_persistent_connections icap_preview_enable icap_preview_size
      icap_retry icap_retry_limit icap_send_client_ip icap_send_client_username icap_service icap_service_failure_limit
      icap_service_revival_delay`,
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_UNTRANSLATED',
    why: 'took header fields away in Squid 2.4 and older, by lists that no later version reads',
    hint: 'Name the fields in remove of requestHeaders.',
    names: 'http_anonymizer anonymize_headers fake_user_agent',
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_UNTRANSLATED',
    why: 'limits bandwidth, connections or sizes; Outrigger does not',
    hint: 'Limit at the server behind, or in the kernel.',
    names: `client_delay_access client_delay_initial_bucket_level client_delay_parameters client_delay_pools
      client_ip_max_connections delay_access delay_class delay_initial_bucket_level delay_parameters delay_pools
      reply_body_max_size request_body_max_size response_delay_pool response_delay_pool_access`,
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_UNTRANSLATED',
    why: 'marks or binds connections; Outrigger leaves that to the kernel',
    hint: 'Use routes, nftables marks or a source address of the host.',
    names: `clientside_mark clientside_tos mark_client_connection mark_client_packet qos_flows tcp_outgoing_address tcp_outgoing_ds
      tcp_outgoing_dscp tcp_outgoing_mark tcp_outgoing_tos`,
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_UNTRANSLATED',
    why: 'concerns TLS that Squid opens itself or breaks into',
    hint: 'Towards servers, set tls of the upstream.',
    names: `ssl_bump sslproxy_cafile sslproxy_capath sslproxy_cert_error sslproxy_cipher sslproxy_client_certificate
      sslproxy_client_key sslproxy_flags sslproxy_options sslproxy_version tls_outgoing_options`,
  },
  {
    disposition: 'approximated',
    code: 'SQUID_UNTRANSLATED',
    why: 'is not carried over: Outrigger passes Upgrade on for websocket alone',
    names: 'http_upgrade_request_protocols',
  },
  {
    disposition: 'approximated',
    code: 'SQUID_UNTRANSLATED',
    why: 'is not carried over: blanks in a request target are refused with 400 (RFC 9112 3.2)',
    names: 'uri_whitespace',
  },
  {
    disposition: 'irrelevant',
    code: 'SQUID_OPERATION',
    why: 'matters only beside a URL rewriter; Outrigger sends the Host the client sent',
    names: 'redirect_rewrites_host_header url_rewrite_host_header',
  },
  {
    disposition: 'untranslated',
    code: 'SQUID_TOO_OLD',
    why: 'is of Squid 2.5 and older, which wrote accelerators another way; later versions refuse to start',
    hint: 'Write http_port … accel and cache_peer … originserver instead, and import again.',
    names: `httpd_accel_host httpd_accel_port httpd_accel_single_host httpd_accel_uses_host_header httpd_accel_with_proxy
      http_accel_port cache_host cache_host_acl cache_host_domain tcp_incoming_address bind_address`,
  },
];

const TABLE: ReadonlyMap<string, Settled> = new Map(
  GROUPS.flatMap(({ names, ...settled }) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, settled] as const),
  ),
);

/** Where a value turns the sentence of the table around, or needs one of its own. */
const BY_VALUE: readonly { name: string; value: RegExp; settled: Settled }[] = [
  {
    name: 'cache_log',
    value: /^none$/,
    settled: {
      disposition: 'irrelevant',
      code: 'SQUID_LOG',
      why: 'does not switch the log off: Squid writes to a file called none, or to stderr where it may not. Outrigger logs to stderr',
    },
  },
  {
    name: 'via',
    value: /^on$/,
    settled: {
      disposition: 'approximated',
      code: 'SQUID_UNTRANSLATED',
      why: 'is not carried over: Outrigger adds no Via',
    },
  },
  ...['request_body_max_size', 'reply_body_max_size'].map((name) => ({
    name,
    value: /^0\b/,
    settled: {
      disposition: 'irrelevant' as const,
      code: 'SQUID_OPERATION' as const,
      why: 'sets no limit, and Outrigger has none',
    },
  })),
  ...['delay_pools', 'icap_enable', 'ecap_enable'].map((name) => ({
    name,
    value: /^(?:deny all|0|off)$/,
    settled: {
      disposition: 'irrelevant' as const,
      code: 'SQUID_OPERATION' as const,
      why: 'switches off what Outrigger does not have',
    },
  })),
];

export type DirectiveKind =
  | { kind: 'modelled'; name: Modelled }
  | { kind: 'settled'; settled: Settled }
  | { kind: 'unknown'; hint?: string };

/** What becomes of a directive, by its name and, for a few, its value. Names are case-sensitive in Squid (SQ-10). */
export function directiveKind(name: string, value: string): DirectiveKind {
  const modelled = MODELLED.find((each) => each === name);
  if (modelled !== undefined) return { kind: 'modelled', name: modelled };
  const settled = BY_VALUE.find((each) => each.name === name && each.value.test(value))?.settled ?? TABLE.get(name);
  if (settled !== undefined) return { kind: 'settled', settled };
  const hint = suggestion(name, [...TABLE.keys(), ...MODELLED]);
  return { kind: 'unknown', ...(hint !== undefined && { hint }) };
}
