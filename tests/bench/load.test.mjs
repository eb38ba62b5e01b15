// load.test.mjs - the load notices every lie, and says what it was told to say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contenders, startLiar } from './lib/contenders.mjs';
import { runLoad, start } from './lib/processes.mjs';

const FEW = ['--people', '20', '--do', 'talk', '--warm', '0', '--messages', '500', '--stall', '3'];

/* Longer than --prefer: the last two may have just left each other. */
const MATCHES = ['--people', '20', '--do', 'match', '--warm', '0', '--messages', '500', '--stall', '30'];

async function talk(started, options = FEW) {
  try {
    return await runLoad(['--target', started.ports.map((port) => `127.0.0.1:${port}`).join(','), ...options]);
  } finally {
    await started.end();
  }
}

const LIES = {
  alter: /message \d+ is ".*!", where ".*" was said/s,
  reword: /message \d+ is ".*\\n", where ".*" was said/s,
  drop: /nothing for 3 s/,
  repeat: /message (\d+) came where \d+ was due|, which nobody has said/,
  renumber: /which nobody has said/,
  invent: /which nobody has said/,
  ack: /an ack of \d+, which nobody has given/,
  marry: /was matched without having asked/,
  close: /closed by the relay|the connection is gone/,
};

for (const [lie, complaint] of Object.entries(LIES)) {
  test(`the load notices a relay that lies: ${lie}`, async () => {
    await assert.rejects(talk(await startLiar(lie)), complaint);
  });
}

test('the load notices two messages in the wrong order', async () => {
  const many = ['--people', '20', '--do', 'rate', '--rate', '2000', '--warm', '0', '--messages', '500', '--stall', '3'];
  await assert.rejects(talk(await startLiar('swap'), many), /message \d+ came where \d+ was due/);
});

test('the same relay, honest, passes', async () => {
  const { total } = await talk(await startLiar('none'));
  assert.ok(total.heard >= 500);
  assert.equal(total.heard, total.said);
});

/* What is said is to be of several lengths, about --body, and to have letters of all widths, and escapes. */
test('bodies have their length on average, and several scripts; so for each seed, and others for another', async () => {
  const said = async (seed, bytes) => {
    const started = await startLiar('tell');
    const bodies = [];
    started.listen((line) => bodies.push(JSON.parse(line).body));
    await talk(started, ['--people', '20', '--do', 'talk', '--warm', '0', '--messages', '2000', '--body', bytes, '--seed', seed]);
    return bodies;
  };
  const bodies = await said('1', '23');
  const lengths = bodies.map((body) => Buffer.byteLength(JSON.stringify(body)) - 2);
  const mean = lengths.reduce((a, b) => a + b) / lengths.length;
  assert.ok(Math.abs(mean - 23) < 0.5, `${mean} bytes`);
  assert.deepEqual([Math.min(...lengths), Math.max(...lengths)], [17, 29]);
  for (const [pattern, share] of [[/^[ -~]*$/, 5 / 8], [/[\u0400-\u04ff]/, 1 / 8], [/[\u3040-\u30ff\u4e00-\u9fff]/, 1 / 8], [/\p{Emoji_Presentation}|\u{1f327}/u, 1 / 8], [/["\\]/, 1 / 8]]) {
    const found = bodies.filter((body) => pattern.test(body)).length / bodies.length;
    assert.ok(Math.abs(found - share) < 0.06, `${pattern}: ${found} where ${share} were due`);
  }
  const words = (list) => new Set(list.map((body) => `${body.slice(0, 16)} ${body.length}`));
  const again = words(await said('1', '23'));
  assert.ok([...words(bodies)].filter((one) => again.has(one)).length > 1500);
  const other = words(await said('2', '23'));
  assert.ok([...words(bodies)].filter((one) => other.has(one)).length < 500);
});

test('neighbours are not partners, nor is it their turn one after the other', async () => {
  const started = await startLiar('tell');
  const said = [];
  started.listen((line) => said.push(JSON.parse(line)));
  const { total } = await talk(started, ['--people', '200', '--do', 'rate', '--rate', '500', '--warm', '0', '--messages', '400']);
  const number = (name) => parseInt(name.slice(0, 8), 16);
  const order = [...new Set(said.map(({ body }) => number(body)))]; // in which they spoke first
  const steps = order.slice(1).map((sender, i) => Math.abs(sender - order[i]));
  const apart = said.filter(({ to }) => to !== null).map(({ body, to }) => Math.abs(number(body) - number(to)));
  assert.ok(order.length > 150 && apart.length > 100);
  for (const distances of [steps, apart]) assert.ok(distances.filter((distance) => distance > 2).length > 0.9 * distances.length, `${distances}`);
  assert.equal(total.matches, 100);
});

test('those who talk are not those who came first', async () => {
  const started = await startLiar('tell');
  const said = [];
  started.listen((line) => said.push(JSON.parse(line).body));
  const { total } = await talk(started, ['--people', '200', '--talkers', '40', '--do', 'talk', '--warm', '0', '--messages', '400']);
  const talkers = new Set(said.map((body) => parseInt(body.slice(0, 8), 16)));
  assert.equal(total.matches, 20);
  assert.ok(talkers.size === 40 && Math.max(...talkers) > 150, `${[...talkers]}`);
});

test('messages that were under way when the measured part ended count with all others', async () => {
  const { total, latency_us: latency } = await talk(await startLiar('none'));
  assert.equal(latency.count, total.said);
  assert.equal(latency.buckets.reduce((sum, [, count]) => sum + count, 0), total.said);
});

const CLOSE = ['--people', '200', '--do', 'close', '--stall', '3'];

for (const name of ['floor', 'passerby', 'ws']) {
  test(`everybody goes, and ${name} closes all of the connections`, async () => {
    const started = await contenders[name].start();
    const { close_said: said, close_cut: cut } = await talk(started, [...CLOSE, '--watch', `node1=${started.watch.node1}`]);
    assert.ok(said.cpu_us.node1 > 0 && cut.cpu_us.node1 > 0);
  });
}

test('the load notices that Close is not answered, or a connection not closed', async () => {
  await assert.rejects(talk(await startLiar('mute'), CLOSE), /the connection is gone/);
  await assert.rejects(talk(await startLiar('cling'), CLOSE), /nothing for 3 s/);
});

/* Of 1,000 searches due meanwhile, only those of eight people could be made. */
test('searches that were due while the relay stood still are charged for all of that time', async () => {
  const few = ['--people', '8', '--do', 'match', '--rate', '1000', '--warm', '0', '--seconds', '2', '--stall', '30'];
  const { latency_us: latency } = await talk(await startLiar('pause'), few);
  assert.ok(latency.p99 >= 500_000, `p99 ${latency.p99} µs`);
});

/* Of 1,000 messages due meanwhile, only those that fit in the windows of four people could be said. */
test('so are messages', async () => {
  const few = ['--people', '4', '--do', 'rate', '--rate', '1000', '--warm', '0', '--seconds', '2', '--stall', '30'];
  const { total, latency_us: latency } = await talk(await startLiar('halt'), few);
  assert.equal(total.heard, 2000);
  assert.ok(latency.p99 >= 500_000, `p99 ${latency.p99} µs`);
});

test('a child has ended when all is read that it and its children said', async () => {
  const child = start('sh', ['-c', '(sleep 0.3; echo late) & echo early']);
  let text = '';
  child.stdout.on('data', (more) => { text += more; });
  await child.ended;
  assert.equal(text, 'early\nlate\n');
});

for (const name of ['floor', 'passerby', 'ws']) {
  for (const options of [FEW, [...FEW, '--plain'], MATCHES]) {
    test(`${name} passes: ${options.join(' ')}`, async () => {
      const { total } = await talk(await contenders[name].start(), options);
      assert.ok(total.heard >= 500 || total.matches >= 500);
    });
  }
}
