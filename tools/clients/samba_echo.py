"""Samba's ncacn_http client: HTTP/1.0, and both connections opened before any byte.

usage: samba_echo.py ADDRESS:PORT USER PASSWORD DOMAIN ntlm|basic BYTES
Prints one JSON line and ends with 0 where all calls answered right. BYTES stays under what a client that never
acknowledges may receive (30,000 is safe).
"""
import json
import sys

from samba.credentials import DONT_USE_KERBEROS, Credentials
from samba.dcerpc import echo
from samba.param import LoadParm


def main(proxy, user, password, domain, scheme, count):
    parameters = LoadParm()
    parameters.set('netbios name', 'CLIENT1')
    parameters.set('tls verify peer', 'no_check')
    # Samba 4.17 stops reading after a session ticket of TLS 1.3, whoever sends it.
    parameters.set('tls priority', 'NORMAL:-VERS-TLS1.3')
    credentials = Credentials()
    credentials.guess(parameters)
    credentials.set_username(user)
    credentials.set_password(password)
    credentials.set_domain(domain)
    credentials.set_kerberos_state(DONT_USE_KERBEROS)

    binding = f'ncacn_http:EXCH1[6001,ntlm,seal,HttpUseTls=true,HttpAuthOption={scheme},RpcProxy={proxy}]'
    server = echo.rpcecho(binding, parameters, credentials)
    if server.AddOne(41) != 42:
        raise SystemExit('AddOne(41) is not 42')
    received = bytes(server.SourceData(count))
    if received != bytes(index & 255 for index in range(count)):
        raise SystemExit('the bytes that came down are not the ones the server sends')
    server.SinkData([index & 255 for index in range(count)])
    print(json.dumps({'down': len(received), 'up': count}))


if __name__ == '__main__':
    main(*sys.argv[1:6], int(sys.argv[6]))
