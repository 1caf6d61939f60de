/** What went wrong with TLS, in words that say what to do. */

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** OpenSSL's codes for an answer that is no TLS at all. */
const notTls = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_UNEXPECTED_MESSAGE',
]);

/** What servers say to a client that shows no certificate, or one of a stranger. */
const certificateWanted = new Set([
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
]);

/** `isConnected`: the handshake was over. */
export function describeTlsError(error: unknown, isConnected = false): string {
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  if (untrusted.has(code)) return `the certificate is not trusted: ${message} (set tls.ca, or NODE_EXTRA_CA_CERTS)`;
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate has expired';
  if (code === 'CERT_NOT_YET_VALID') return 'the certificate is not valid yet';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate is for another name: ${message}`;
  if (notTls.has(code)) return 'the server does not speak TLS';
  if (certificateWanted.has(code)) return `the server refused the client's certificate, or wants one: ${message}`;
  if (code === 'ECONNRESET' && !isConnected) return 'the server closed the connection during the TLS handshake';
  return message;
}
