// Room: settings of one value as Squid reads them: on or off, a time, a size; and the values it refuses to start with.
// Source: cache_cf.cc parse_onoff, parseTimeLine, parseBytesLine64; the names as Squid 5.7 itself told them apart (SQ-243 to
// SQ-245).

/** A value that stops Squid, in words for the report. `later`: only versions later than the one the file is read as. */
export type Refusal = { message: string; hint: string; later: boolean };

/** Directives that take on or off, and nothing else. */
const ON_OFF: ReadonlySet<string> = new Set(
  `acl_uses_indirect_client adaptation_send_client_ip adaptation_send_username adaptation_uses_indirect_client allow_underscore
  buffered_logs cache_miss_revalidate check_hostnames client_db client_dst_passthru client_persistent_connections
  collapsed_forwarding delay_pool_uses_indirect_client detect_broken_pconn digest_generation dns_defnames dns_multicast_local
  ecap_enable email_err_data eui_lookup ftp_eprt ftp_epsv_all ftp_passive ftp_sanitycheck ftp_telnet_protocol
  global_internal_static half_closed_clients host_verify_strict http_accel_surrogate_remote httpd_suppress_version_string
  icap_206_enable icap_client_username_encode icap_enable icap_persistent_connections icap_preview_enable icap_send_client_ip
  icap_send_client_username icp_hit_stale ignore_ims_on_miss ignore_unknown_nameservers log_icp_queries log_mime_hdrs
  log_uses_indirect_client memory_pools nonhierarchical_direct offline_mode persistent_connection_after_error pinger_enable
  prefer_direct query_icmp redirect_rewrites_host_header redirector_bypass refresh_all_ims reload_into_ims request_entities
  retry_on_error server_persistent_connections shared_memory_locking short_icon_urls ssl_unclean_shutdown store_id_bypass
  strip_query_terms test_reachability tproxy_uses_indirect_client url_rewrite_bypass url_rewrite_host_header
  vary_ignore_expire via wccp2_rebuild_wait`.split(/\s+/),
);

const TIMES: ReadonlySet<string> = new Set(
  `client_idle_pconn_timeout client_lifetime connect_timeout dead_peer_timeout dns_retransmit_interval dns_timeout
  forward_timeout ftp_client_idle_timeout ident_timeout max_stale minimum_expiry_time negative_dns_ttl negative_ttl
  pconn_lifetime pconn_timeout peer_connect_timeout persistent_request_timeout positive_dns_ttl read_timeout
  request_start_timeout request_timeout server_idle_pconn_timeout shutdown_lifetime write_timeout`.split(/\s+/),
);

const SIZES: ReadonlySet<string> = new Set(
  `cache_mem client_request_buffer_max_size maximum_object_size maximum_object_size_in_memory memory_pools_limit
  minimum_object_size quick_abort_max quick_abort_min read_ahead_gap reply_body_max_size reply_header_max_size
  request_body_max_size request_header_max_size`.split(/\s+/),
);

const MILLISECONDS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  fortnight: 1_209_600_000,
};

const BYTES: Readonly<Record<string, number>> = { bytes: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

/** Squid up to 3.5 took a number without a unit for seconds; 4 and later do not start (SQ-243). */
const UNIT_NEEDED_SINCE = 4;

/** Milliseconds of `15 minutes` or, as Squid 3.5 and older read it, of a bare `15`; undefined for anything else. */
export function readTime(words: readonly string[]): number | undefined {
  const [number = '', unit = 'second'] = words;
  const factor = MILLISECONDS[unit.toLowerCase().replace(/s$/, '')];
  return /^\d+(?:\.\d+)?$/.test(number) && factor !== undefined ? Math.round(Number(number) * factor) : undefined;
}

/** Bytes of `64 KB`, or of a bare number; undefined for anything else. */
export function readSize(words: readonly string[]): number | undefined {
  const [number = '', unit = 'bytes'] = words;
  const factor = BYTES[unit.toLowerCase()];
  return /^\d+$/.test(number) && factor !== undefined ? Number(number) * factor : undefined;
}

/** Whether the setting is a time and its value a bare number, as Squid 3.5 and older wrote it. */
export function isBareTime(name: string, words: readonly string[]): boolean {
  return TIMES.has(name) && words.length === 1 && /^[1-9]\d*$/.test(words[0] ?? '');
}

/** Why Squid of this version does not start with the value; undefined where it does, or where the setting is of another kind. */
export function refusedValue(name: string, words: readonly string[], version: number): Refusal | undefined {
  const [value = '', unit] = words;
  if (ON_OFF.has(name) && /^(?:on|off|yes|no|true|false)$/i.test(value) && value !== 'on' && value !== 'off') {
    return {
      message: `${value} is neither on nor off, in lower case: Squid does not start`,
      hint: 'Write on or off.',
      later: false,
    };
  }
  if (TIMES.has(name) && !/^-?0$/.test(value)) {
    if (readTime(words) === undefined) {
      const message = `${words.join(' ')} is no number with a unit from seconds to weeks behind a blank: Squid does not start`;
      return { message, hint: 'Write it as 15 minutes.', later: false };
    }
    if (unit === undefined) {
      const message = `${value} has no unit: Squid 3.5 and older took it for seconds, later ones do not start`;
      return { message, hint: `Write ${value} seconds.`, later: version < UNIT_NEEDED_SINCE };
    }
  }
  if (SIZES.has(name) && /^\d+[a-z]+$/i.test(value)) {
    const message = `the unit of ${value} must stand behind a blank: Squid does not start`;
    return { message, hint: `Write ${value.replace(/[a-z]+$/i, (letters) => ` ${letters}`)}.`, later: false };
  }
  return undefined;
}
