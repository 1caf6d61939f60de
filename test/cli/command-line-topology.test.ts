// The command with TLS, passwords, URLs and discovery.

import { cli } from '../support/command-line';
import { ConfigurationEndpoint } from '../support/configuration-endpoint';
import { certificatePath, startMemcached, stopAll, type MemcachedServer } from '../support/memcached-servers';
import { uniqueKey } from '../support/unique-keys';

const ca = certificatePath('authority.pem');
let secure: MemcachedServer;
let plain: MemcachedServer[];
let endpoint: ConfigurationEndpoint;
beforeAll(async () => {
  [secure, ...plain] = await Promise.all([startMemcached({ tls: {} }), startMemcached(), startMemcached()]);
  endpoint = await new ConfigurationEndpoint(plain, {}).start();
});
afterAll(async () => {
  await Promise.all([endpoint.stop(), stopAll()]);
});

describe('TLS', () => {
  it.each<[name: string, args: () => string[]]>([
    ['--ca', () => ['-s', secure.address, '--ca', ca]],
    ['a URL', () => ['-s', `memcacheds://${secure.address}`, '--ca', ca]],
    ['--servername', () => ['-s', secure.address, '--ca', ca, '--servername', 'localhost']],
  ])('%s', async (_name, args) => {
    const key = uniqueKey();
    expect(await cli(['set', key, 'value', ...args()])).toMatchObject({ code: 0, stderr: '' });
    expect(await cli(['get', key, ...args()])).toEqual({ code: 0, stdout: 'value\n', stderr: '' });
    const pinged = await cli(['ping', ...args()]);
    expect(pinged).toMatchObject({ code: 0, stderr: '' });
    expect(pinged.stdout).toContain(secure.address);
  });

  it('--tls alone: a certificate of an authority that Node does not know', async () => {
    const { code, stderr } = await cli(['get', 'key', '-s', secure.address, '--tls']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/certificate is not trusted/);
    const env = { NODE_EXTRA_CA_CERTS: ca };
    expect(await cli(['set', 'key', '1', '-s', secure.address, '--tls'], { env })).toMatchObject({ code: 0 });
  });

  it('--cert and --key', async () => {
    const own = await startMemcached({ tls: { wantsClientCertificate: true } });
    const args = ['set', 'key', '1', '-s', own.address, '--ca', ca];
    const files = ['--cert', certificatePath('client.pem'), '--key', certificatePath('client.key')];
    expect(await cli([...args, ...files])).toMatchObject({ code: 0, stderr: '' });
    expect((await cli(args)).code).not.toBe(0);
    await own.stop();
  });

  it.each(['--ca', '--cert', '--key'])(
    '%s of a file that is not there: a usage error that names both',
    async (option) => {
      const { code, stderr } = await cli(['get', 'key', '-s', secure.address, option, '/no/such.pem']);
      expect(code).toBe(2);
      expect(stderr).toMatch(new RegExp(`${option}.*/no/such\\.pem`));
    },
  );
});

describe('passwords', () => {
  it('text authentication, by options and by a URL in the environment', async () => {
    const own = await startMemcached({ textAuthentication: { users: { alice: 'secret' } } });
    const args = ['set', 'key', '1', '--no-binary'];
    const byOptions = await cli([...args, '-s', own.address, '-u', 'alice'], { env: { MEMCACHED_PASSWORD: 'secret' } });
    expect(byOptions).toMatchObject({ code: 0, stderr: '' });
    const url = { MEMCACHED_SERVERS: `memcached://alice:secret@${own.address}` };
    expect(await cli(args, { env: url })).toMatchObject({ code: 0, stderr: '' });
    const pinged = await cli(['ping', '--no-binary'], { env: url });
    expect(pinged).toMatchObject({ code: 0, stderr: '' });
    expect(pinged.stdout).not.toContain('secret');
    const wrong = { MEMCACHED_SERVERS: `memcached://alice:wrong@${own.address}` };
    const { code, stderr } = await cli(args, { env: wrong });
    expect(code).not.toBe(0);
    expect(stderr).not.toContain('wrong');
    await own.stop();
  });

  it('in an argument: refused, without saying it', async () => {
    const { code, stderr } = await cli(['get', 'key', '-s', `memcached://alice:secret@127.0.0.1`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/MEMCACHED_SERVERS/);
    expect(stderr).not.toContain('secret');
  });
});

describe('--discover', () => {
  const args = (): string[] => ['-s', endpoint.address, '--discover'];

  it('values, and every server by itself', async () => {
    const key = uniqueKey();
    expect(await cli(['set', key, 'value', ...args()])).toMatchObject({ code: 0, stderr: '' });
    expect(await cli(['get', key, ...args()])).toEqual({ code: 0, stdout: 'value\n', stderr: '' });
    for (const command of ['ping', 'stats']) {
      const { code, stdout } = await cli([command, ...args()]);
      expect(code).toBe(0);
      for (const { address } of plain) expect(stdout).toContain(address);
      expect(stdout).not.toContain(endpoint.address);
    }
  });

  it('explain names the server, not the endpoint', async () => {
    const { code, stdout } = await cli(['explain', 'no-such-key', ...args()]);
    expect(code).toBe(0);
    expect(plain.some(({ address }) => stdout.includes(address))).toBe(true);
  });

  it('one server down: the others are still shown', async () => {
    const own = await Promise.all([startMemcached(), startMemcached()]);
    const another = await new ConfigurationEndpoint(own, {}).start();
    await own[0].kill();
    const { stdout, stderr } = await cli(['ping', '-s', another.address, '--discover']);
    expect(stdout).toContain(own[1].address);
    expect(stderr + stdout).toContain(own[0].address);
    await another.stop();
  });

  it('no endpoint: an error that says so', async () => {
    const { code, stderr } = await cli(['ping', '-s', (plain[0] as MemcachedServer).address, '--discover']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/not a configuration endpoint/);
  });
});
