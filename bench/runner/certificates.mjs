/** For servers with TLS: those of the tests. */
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../../test/support/certificates/${name}`, import.meta.url));

export const authority = path('authority.pem');
export const tlsArguments = ['-Z', '-o', `ssl_chain_cert=${path('server.pem')},ssl_key=${path('server.key')}`];
