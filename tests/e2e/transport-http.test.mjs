// transport-http.test.mjs - the HTTP side: handshakes, Origin, limits, proxies, TLS, the page, probes, metrics.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { assertTalking, connect, connectPair } from './lib/client.mjs';
import { connectTcp, handshake } from './lib/raw.mjs';
import { startServer } from './lib/server.mjs';
import { eventually, within } from './lib/wait.mjs';

const SUBPROTOCOL = 'sec-websocket-protocol';

describe('the handshake', { concurrency: 4 }, () => {
  it('serves passerby.v1, and those who offer nothing, and nobody else', async (t) => {
    const server = await startServer(t);
    for (const [offered, status, chosen] of [
      [undefined, 101, undefined],
      ['passerby.v1', 101, 'passerby.v1'],
      ['other, passerby.v1', 101, 'passerby.v1'],
      ['passerby.v1, other', 101, 'passerby.v1'],
      ['passerby.v2,passerby.v1', 101, 'passerby.v1'],
      ['other', 400],
      ['passerby.v2', 400],
      ['passerby.v11', 400],
      ['passerby', 400],
      ['other, passerby.v2', 400],
    ]) {
      const headers = offered === undefined ? {} : { 'Sec-WebSocket-Protocol': offered };
      const answer = await handshake(server, { headers });
      assert.equal(answer.status, status, `offering ${offered}`);
      if (status === 101) assert.equal(answer.headers[SUBPROTOCOL], chosen, `offering ${offered}`);
    }
  });

  it('talks v1 to a client that offers no subprotocol', async (t) => {
    const server = await startServer(t);
    const plain = await connect(t, server, { protocols: [] });
    assert.equal(plain.hello.v, 1);
    assert.equal(plain.protocol, '');
  });

  it('checks the Origin', async (t) => {
    const server = await startServer(t, ['--allowed-origins', 'friend.example,other.example:8443']);
    const port = server.port;
    for (const [origin, status] of [
      [undefined, 101],
      [`http://127.0.0.1:${port}`, 101], [`https://127.0.0.1:${port}`, 101], [`HTTP://127.0.0.1:${port}`, 101],
      ['https://friend.example', 101], ['http://friend.example', 101], ['https://FRIEND.example', 101],
      ['https://friend.example:443', 101], ['http://friend.example:80', 101], ['https://other.example:8443', 101],
      ['null', 403], ['http://127.0.0.1', 403], [`http://127.0.0.1:${port + 1}`, 403], ['https://evil.example', 403],
      ['https://friend.example.evil.example', 403], ['https://evilfriend.example', 403],
      ['https://sub.friend.example', 403], ['https://friend.example:8443', 403], ['https://other.example', 403],
      ['https://friend.example@evil.example', 403], [`https://evil.example/127.0.0.1:${port}`, 403], ['garbage', 403],
    ]) {
      const answer = await handshake(server, { headers: origin === undefined ? {} : { Origin: origin } });
      assert.equal(answer.status, status, `Origin ${JSON.stringify(origin)}`);
    }
  });

  it('compares the Origin with the host that was asked for', async (t) => {
    const server = await startServer(t);
    for (const [host, origin, status] of [
      ['chat.example', 'https://chat.example', 101], ['Chat.Example', 'https://chat.example', 101],
      ['chat.example:443', 'https://chat.example', 101], ['chat.example', 'http://chat.example:80', 101],
      ['chat.example', 'https://other.example', 403], ['chat.example:8080', 'http://chat.example', 403],
      ['[::1]:8080', 'http://[::1]:8080', 101], ['[::1]:8080', 'http://[::2]:8080', 403],
    ]) {
      const answer = await handshake(server, { headers: { Host: host, Origin: origin } });
      assert.equal(answer.status, status, `Host ${host}, Origin ${origin}`);
    }
  });

  it('takes any Origin when the operator says *', async (t) => {
    const server = await startServer(t, ['--allowed-origins', '*']);
    assert.equal((await handshake(server, { headers: { Origin: 'https://anywhere.example' } })).status, 101);
  });

  it('is for /ws, by WebSocket 13, with GET', async (t) => {
    const server = await startServer(t);
    assert.equal((await handshake(server, { path: '/ws?x=1' })).status, 101);
    for (const [what, options] of [
      ['another path', { path: '/' }], ['another path', { path: '/ws/more' }], ['another path', { path: '/nothing' }],
      ['h2c', { headers: { Upgrade: 'h2c' } }],
      ['h2c in full', {
        headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' },
      }],
      ['a made-up upgrade', { headers: { Upgrade: 'chat' } }],
      ['an old version', { headers: { 'Sec-WebSocket-Version': '8' } }],
      ['no key', { headers: { 'Sec-WebSocket-Key': '' } }],
    ]) {
      const { status } = await handshake(server, options).catch(() => ({ status: 'closed' }));
      assert.notEqual(status, 101, what);
      assert.ok(status === 'closed' || status < 500, `${what}: ${status}`);
    }
    assert.notEqual((await server.request('/ws')).status, 200);
    await connect(t, server);
  });

  it('must be made in time', async (t) => {
    const server = await startServer(t, ['--handshake-timeout', '500ms']);
    const standing = await connect(t, server);
    const silent = await connectTcp(t, server);
    const halting = await connectTcp(t, server);
    halting.write('GET /ws HTTP/1.1\r\nHost: x\r\nUpgr');
    await silent.end();
    await halting.end();
    standing.send({ t: 'leave' });
    await standing.expect('idle');
  });
});

describe('limits of connections', { concurrency: 4 }, () => {
  it('a full node answers 503, and takes people again when somebody goes', async (t) => {
    const server = await startServer(t, ['--max-connections', '3']);
    const people = [await connect(t, server), await connect(t, server), await connect(t, server)];
    assert.equal((await handshake(server)).status, 503);
    people[0].drop();
    await eventually(async () => (await handshake(server)).status === 101, 'room for one more');
    people[1].send({ t: 'leave' });
    await people[1].expect('idle');
  });

  it('takes no more open files than so many connections need', async (t) => {
    for (const [flags, files] of [[['--max-connections', '400'], 400 + 100 + 1024], [[], 65536]]) {
      const server = await startServer(t, flags);
      const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(await readFile(`/proc/${server.pid}/limits`, 'utf8'));
      assert.ok(Number(soft) >= Math.min(files, Number(hard)), `${soft} of ${files}`);
      assert.ok(Number(soft) <= files + 256, `${soft} of ${files}: more than the workers need`);
    }
  });

  it('answers 503 before files run out, however many workers there are', async (t) => {
    const server = await startServer(t, ['--workers', '8'], { openFiles: 2000 });
    const people = [];
    let answer = await handshake(server, { keep: true });
    for (; answer.status === 101 && people.length < 2000; answer = await handshake(server, { keep: true })) people.push(answer.socket);
    assert.equal(answer.status, 503, `after ${people.length}`);
    assert.ok(people.length > 1400, `${people.length} of 2000`);
    assert.equal((await fetch(`http://127.0.0.1:${server.internalPort}/livez`)).status, 200);
    assert.doesNotMatch(server.log, /out of files/);
    for (const socket of people) socket.destroy();
  });

  it('an address with too many gets 429', async (t) => {
    const server = await startServer(t, ['--max-connections-per-ip', '2']);
    const people = [await connect(t, server), await connect(t, server)];
    assert.equal((await handshake(server)).status, 429);
    const spoofed = { 'X-Forwarded-For': '192.0.2.9', Forwarded: 'for=192.0.2.9' };
    assert.equal((await handshake(server, { headers: spoofed })).status, 429, 'nobody vouches for the header');
    people[0].drop();
    await eventually(async () => (await handshake(server)).status === 101, 'room for one more');
  });

  it('too many connects of one address get 429 with Retry-After', async (t) => {
    const server = await startServer(t, ['--connect-rate', '1/3']);
    const answers = [];
    for (let connects = 0; connects < 15; connects++) answers.push(await handshake(server));
    assert.deepEqual(answers.slice(0, 3).map(({ status }) => status), [101, 101, 101]);
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0, 'none of 15 connects was refused');
    for (const { headers } of refused) assert.match(headers['retry-after'], /^\d+$/);
  });

  const forwarded = (hop) => `for=${hop.includes(':') ? `"[${hop}]"` : hop};proto=https`; // RFC 7239
  for (const [name, headers] of [
    ['X-Forwarded-For', (...hops) => ({ 'X-Forwarded-For': hops.join(', ') })],
    ['Forwarded', (...hops) => ({ Forwarded: hops.map(forwarded).join(', ') })],
  ]) {
    it(`${name} is believed from a trusted proxy`, async (t) => {
      const flags = ['--max-connections-per-ip', '1', '--trusted-proxies', '127.0.0.0/8,10.0.0.0/8'];
      const server = await startServer(t, flags);
      const taken = (...hops) => connect(t, server, { headers: headers(...hops) });
      const refused = async (...hops) =>
        assert.equal((await handshake(server, { headers: headers(...hops) })).status, 429, `from ${hops}`);
      await taken('192.0.2.1');
      await refused('192.0.2.1');
      await taken('192.0.2.2');
      await refused('198.51.100.7', '192.0.2.2'); // what stands left of the last untrusted hop is hearsay
      await refused('192.0.2.2', '10.1.2.3'); // a trusted proxy behind another
      await taken('198.51.100.7', '192.0.2.3');
      await taken('2001:db8:0:1::1');
      await refused('2001:db8:0:1:ffff::2'); // the same /64
      await taken('2001:db8:0:2::1');
    });
  }
});

/** A directory with certificates for localhost, one by one signed by itself: paths of [certificate, key] pairs. */
async function certificates(t, count) {
  const directory = await mkdtemp(join(tmpdir(), 'passerby-tls-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return Array.from({ length: count }, (_, at) => {
    const [certificate, key] = [join(directory, `${at}.crt`), join(directory, `${at}.key`)];
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', `/CN=localhost-${at}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate,
    ], { stdio: 'pipe' });
    return [certificate, key];
  });
}

/** The name in the certificate that the server shows now. */
function shownName(server) {
  const shown = new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject?.CN);
      socket.end();
    });
    socket.on('error', reject);
  });
  return within(shown, 'the TLS handshake');
}

describe('TLS', { concurrency: 4 }, () => {
  it('is spoken with a certificate, and SIGHUP takes a new one without dropping anybody', async (t) => {
    const [[certificate, key], [newCertificate, newKey]] = await certificates(t, 2);
    const server = await startServer(t, ['--tls-cert', certificate, '--tls-key', key]);
    const secure = { url: `wss://127.0.0.1:${server.port}/ws`, rejectUnauthorized: false };
    const [a, b] = [await connect(t, server, secure), await connect(t, server, secure)];
    a.send({ t: 'find' });
    await a.expect('waiting');
    b.send({ t: 'find' });
    await b.matched();
    await a.expect('matched');
    a.plain = b.plain = true;
    assert.equal(await shownName(server), 'localhost-0');
    await copyFile(newCertificate, certificate);
    await copyFile(newKey, key);
    server.signal('SIGHUP');
    await eventually(async () => (await shownName(server)) === 'localhost-1', 'the new certificate');
    await assertTalking(a, b);
    await copyFile(newCertificate, key); // no key at all: the old pair stays in use
    server.signal('SIGHUP');
    await assertTalking(a, b);
    await connect(t, server, secure);
  });

  it('has no patience with those who speak plainly', async (t) => {
    const [[certificate, key]] = await certificates(t, 1);
    const server = await startServer(t, ['--tls-cert', certificate, '--tls-key', key, '--handshake-timeout', '1s']);
    await assert.rejects(handshake(server));
    const garbage = await connectTcp(t, server);
    garbage.write(Buffer.alloc(2000, 0x16));
    await garbage.end();
    await connect(t, server, { url: `wss://127.0.0.1:${server.port}/ws`, rejectUnauthorized: false });
  });

  it('without it, SIGHUP does no harm', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    server.signal('SIGHUP');
    await assertTalking(a, b);
  });
});

describe('the page', { concurrency: 4 }, () => {
  it('is served with a strict policy', async (t) => {
    const server = await startServer(t);
    const { status, headers, text } = await server.request('/');
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^text\/html; *charset=utf-8$/i);
    assert.match(text, /^<!doctype html>/i);
    const policy = headers['content-security-policy'];
    assert.match(policy, /default-src 'none'|default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|\*/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=/i, 'nothing inline');
  });

  it('has what makes it an app, and a service worker that names its version and its files', async (t) => {
    const server = await startServer(t);
    for (const [path, type] of [
      ['/manifest.webmanifest', 'application/manifest+json'], ['/icon-512.png', 'image/png'], ['/sw.js', 'text/javascript; charset=utf-8'],
    ]) {
      const { status, headers } = await server.request(path);
      assert.equal(status, 200, path);
      assert.equal(headers['content-type'], type);
      assert.equal(headers['cache-control'], 'no-cache', path);
    }
    const { text } = await server.request('/sw.js');
    assert.match(text, /'passerby-[0-9a-f]{16}'/);
    const files = /const FILES = '([^'@]+)'/.exec(text)[1].split(' ');
    assert.ok(files.length > 20 && files.includes('app.js') && !files.includes('sw.js'), `${files}`);
    for (const file of files) assert.equal((await server.request(`/${file.replace('./', '')}`)).status, 200, file);
  });

  it('has an ETag, and 304 for who knows it', async (t) => {
    const server = await startServer(t);
    const { headers: { etag } } = await server.request('/');
    assert.match(etag, /^(W\/)?"[^"]+"$/);
    for (const known of [etag, `"other", ${etag}`, '*']) {
      const answer = await server.request('/', { headers: { 'If-None-Match': known } });
      assert.equal(answer.status, 304, `If-None-Match: ${known}`);
      assert.equal(answer.body.length, 0);
    }
    assert.equal((await server.request('/', { headers: { 'If-None-Match': '"other"' } })).status, 200);
  });

  it('comes compressed to who can read it', async (t) => {
    const server = await startServer(t);
    const plain = await server.request('/');
    assert.equal(plain.headers['content-encoding'], undefined);
    for (const [accepted, used, decompress] of [
      ['br', 'br', brotliDecompressSync], ['gzip, deflate, br', 'br', brotliDecompressSync],
      ['gzip', 'gzip', gunzipSync], ['gzip, br;q=0', 'gzip', gunzipSync],
      ['deflate', undefined, (bytes) => bytes], ['identity', undefined, (bytes) => bytes],
    ]) {
      const answer = await server.request('/', { headers: { 'Accept-Encoding': accepted } });
      assert.equal(answer.headers['content-encoding'], used, `Accept-Encoding: ${accepted}`);
      assert.equal(decompress(answer.body).toString('utf8'), plain.text);
      assert.match(answer.headers.vary ?? '', /accept-encoding/i);
    }
  });

  it('HEAD is GET without a body', async (t) => {
    const server = await startServer(t);
    const [get, head] = [await server.request('/'), await server.request('/', { method: 'HEAD' })];
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    for (const name of ['content-type', 'content-length', 'etag']) {
      assert.equal(head.headers[name], get.headers[name], name);
    }
    assert.equal(Number(get.headers['content-length']), get.body.length);
    const missing = await server.request('/nothing', { method: 'HEAD' });
    assert.equal(missing.status, 404);
    assert.equal(missing.body.length, 0);
  });

  it('leaves no other way', async (t) => {
    const server = await startServer(t);
    const paths = ['/nothing', '/../etc/passwd', '/%2e%2e/etc/passwd', '//etc/passwd', '/%00x', `/${'x'.repeat(1500)}`];
    for (const path of paths) {
      const { status } = await server.request(path).catch(() => ({ status: 400 }));
      assert.ok(status >= 400 && status < 500, `${path.slice(0, 40)}: ${status}`);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status } = await server.request('/', { method });
      assert.ok([404, 405, 501].includes(status), `${method}: ${status}`);
    }
    assert.equal((await server.request('/')).status, 200);
  });
});

describe('for operators', { concurrency: 4 }, () => {
  it('probes answer on the internal address, and not on the public one', async (t) => {
    const server = await startServer(t);
    for (const path of ['/livez', '/readyz', '/metrics']) {
      assert.equal((await server.request(path, { internal: true })).status, 200, path);
      assert.equal((await server.request(path)).status, 404, `${path} on the public address`);
    }
    assert.equal((await server.request('/nothing', { internal: true })).status, 404);
    assert.notEqual((await handshake({ port: server.internalPort })).status, 101, 'no chats on the internal address');
  });

  it('/api/stats counts the people online', async (t) => {
    const server = await startServer(t);
    await connectPair(t, server);
    const stats = await eventually(async () => {
      const { status, headers, text } = await server.request('/api/stats');
      assert.equal(status, 200);
      assert.match(headers['content-type'], /^application\/json/);
      const parsed = JSON.parse(text);
      return parsed.online === 2 && parsed;
    }, '/api/stats to say that two are online');
    assert.ok(stats);
  });

  it('metrics pass promtool, and count', async (t) => {
    const server = await startServer(t);
    const [a, b] = await connectPair(t, server);
    await assertTalking(a, b);
    a.send('no json');
    await a.expectError('bad_json');
    a.close();
    await b.expect('away');
    const { headers, text } = await server.request('/metrics', { internal: true });
    assert.match(headers['content-type'], /^text\/plain; *version=0\.0\.4/);
    try {
      execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: 'pipe' });
    } catch (error) {
      if (error.code !== 'ENOENT') assert.fail(`promtool: ${error.stdout}${error.stderr}`);
    }
    for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) assert.match(name, /^(passerby|process)_[a-z_]+$/);
    for (const part of [
      'connections', 'chats', 'waiting', 'messages', 'retransmi', 'error', 'close', 'lag', 'build_info', 'wait',
      'relay',
    ]) {
      assert.match(text, new RegExp(`^# TYPE passerby_\\w*${part}\\w*`, 'm'), `a metric about '${part}'`);
    }
    assert.match(text, /^passerby_\w*error\w*\{[^}]*"bad_json"[^}]*\} 1$/m);
    assert.match(text, /_bucket\{[^}]*le="\+Inf"\}/);
  });

  it('the log holds no message, no topic, no token and no whole address', async (t) => {
    const server = await startServer(t, ['--log-level', 'debug']);
    const secret = 'xyzzy-plugh-48151623';
    const [a, b] = await connectPair(t, server, { topics: [secret], reliable: true });
    a.send({ t: 'msg', seq: 1, body: secret });
    await b.expect('msg');
    for (const bad of [
      `{"t":"${secret}"}`, `${secret}{`, `{"t":"msg","seq":"${secret}"}`, `{"t":"resume","token":"${secret}"}`,
    ]) {
      a.send(bad);
      await a.expect('error');
    }
    await handshake(server, { headers: { Origin: `https://${secret}` } });
    const away = await connect(t, server, { headers: { 'X-Forwarded-For': '203.0.113.77' } });
    away.send({ t: 'resume', token: `${a.match.resume.slice(0, -4)}AAAA` });
    await away.expect('ended');
    b.send(Buffer.from(secret).toString('hex').repeat(1000));
    await b.closed(1009);
    await server.stop();
    for (const text of [secret, a.match.resume, b.match.resume, '203.0.113.77']) {
      assert.ok(!server.log.includes(text), `${text} is in the log`);
    }
    const lines = server.log.split('\n').filter((line) => !/listening/.test(line));
    assert.ok(!lines.some((line) => /127\.0\.0\.1/.test(line)), lines.find((line) => /127\.0\.0\.1/.test(line)));
  });

  it('the log may be JSON, one object a line', async (t) => {
    const server = await startServer(t, ['--log-format', 'json', '--log-level', 'debug']);
    const [a, b] = await connectPair(t, server);
    await assertTalking(a, b);
    await server.stop();
    const lines = server.log.trimEnd().split('\n');
    assert.ok(lines.length > 0);
    for (const line of lines) assert.equal(typeof JSON.parse(line), 'object');
  });
});
