// scenarios.mjs - what the contenders have to do. `load`: options of the load; `of`: who does it. Where a contender has several nodes, the
// load has every pair talk across two of them (measure.mjs); whoever searches by chance meets whom the broker finds. `limited`: nobody does
// more than passerby lets people do by default, so it has its limits on.

const TALK = ['--do', 'talk', '--warm', '1', '--seconds', '1.5'];
const EVERYBODY = ['floor', 'passerby', 'ws'];
const ACROSS = ['floor', 'passerby', 'passerby-redis', 'socketio'];

export const scenarios = [
  { name: 'talk', title: '1,000 people, all talking', load: ['--people', 1000, ...TALK], of: EVERYBODY },
  { name: 'talk-plain', title: '1,000 people, all talking, without acks', load: ['--people', 1000, '--plain', ...TALK], of: EVERYBODY },
  { name: 'talk-1k', title: '1,000 people, all talking, 1 KB each time', load: ['--people', 1000, '--body', 1000, ...TALK], of: EVERYBODY },
  { name: 'few', title: '10,000 people, 200 pairs talking', load: ['--people', 10000, '--talkers', 400, ...TALK], of: EVERYBODY },
  { name: 'few-of-1000', title: '1,000 people, 200 pairs talking', load: ['--people', 1000, '--talkers', 400, ...TALK], of: ['floor', 'passerby'] },
  { name: 'all', title: '10,000 people, all talking', load: ['--people', 10000, ...TALK], of: EVERYBODY },
  { name: 'all-plain', title: '10,000 people, all talking, without acks', load: ['--people', 10000, '--plain', ...TALK], of: EVERYBODY },
  { name: 'across', title: '1,000 people, all talking, across nodes where there are two', load: ['--people', 1000, ...TALK], of: ACROSS },
  { name: 'rate', title: '10,000 people, 10,000 messages a second, across nodes where there are two',
    load: ['--people', 10000, '--do', 'rate', '--rate', 10000, '--warm', 1, '--seconds', 4], limited: true, of: [...EVERYBODY, 'passerby-redis', 'socketio'] },
  { name: 'rate-30000', title: '10,000 people, 30,000 messages a second, across nodes where there are two',
    load: ['--people', 10000, '--do', 'rate', '--rate', 30000, '--warm', 1, '--seconds', 4], limited: true, of: ['floor', 'passerby', 'passerby-redis'] },
  { name: 'idle', title: '19,000 people connect, are silent, and go', load: ['--people', 19000, '--do', 'close'], limited: true,
    of: [...EVERYBODY, 'passerby-redis', 'socketio'] },
  { name: 'match-once', title: '10,000 people search once, 1,000 at a time',
    load: ['--people', 10000, '--do', 'find', '--at-once', 1000], limited: true, of: ['floor', 'passerby', 'passerby-redis', 'socketio'] },
  { name: 'match', title: '1,000 people search again and again: each match, and the end of the chat before',
    load: ['--people', 1000, '--do', 'match', '--warm', 1, '--seconds', 2], of: [...EVERYBODY, 'passerby-redis'] },
  { name: 'match-rate', title: '2,000 people, 1,000 matches a second, over three nodes',
    load: ['--people', 2000, '--do', 'match', '--rate', 1000, '--warm', 1, '--seconds', 4], of: ['passerby-3'] },
];

/** Those whose system calls are counted while `phase` (work) lasts: of so many connections or messages, after which all stands still. */
export const counted = [
  { name: 'calls', title: 'system calls for each frame, 1,000 people, all talking, without acks',
    load: ['--people', 1000, '--plain', '--do', 'talk', '--warm', 0, '--messages', 30000], of: EVERYBODY },
  { name: 'calls-acks', title: 'system calls for each message with its ack, 1,000 people, all talking',
    load: ['--people', 1000, '--do', 'talk', '--warm', 0, '--messages', 30000], of: EVERYBODY },
  { name: 'calls-rate', title: 'system calls for each frame, 2,000 messages a second, without acks',
    load: ['--people', 1000, '--plain', '--do', 'rate', '--rate', 2000, '--warm', 0, '--messages', 10000], limited: true, of: EVERYBODY },
  { name: 'calls-rate-acks', title: 'system calls for each message with its ack, 2,000 messages a second',
    load: ['--people', 1000, '--do', 'rate', '--rate', 2000, '--warm', 0, '--messages', 10000], limited: true, of: EVERYBODY },
  { name: 'calls-connect', title: 'system calls for each connection, of 1,000', phase: 'connect',
    load: ['--people', 1000, '--do', 'find'], limited: true, of: EVERYBODY },
];

/** What no scenario has, and why. */
export const unmeasured = [
  'People who come and go all the time for hours: what a heap in pieces costs (the soak of the end-to-end tests looks for growth, not for cost).',
  'Closing the connections of people who are in a chat: what passerby does then (`away`, and the chat held for a minute) nobody else here does.',
  'Searching again and again with Socket.IO, and 30,000 messages a second with it or with ws: the one as its relay here has no rules for leaving a chat, the others as they can’t.',
  'System calls of several nodes, and of a match: a node that is attached to stands still now and then, and so packs more for Redis than it would.',
  'Socket.IO’s sharded adapter (tried: with two processes no cheaper than the noise), µWebSockets.js, and several processes of ws.',
  'People who acknowledge apart from what they say, at saturation: there each answers at once, and ack and answer are one write of theirs. At a rate they are apart.',
  'TLS and permessage-deflate: off everywhere here; Redis over TCP: all use a Unix socket.',
  'Connections over a real network: on loopback the kernel charges some of what it does to receive to the sender, to the relay and to the load alike.',
  'A machine on which the load has cores of its own: here relay, Redis and load share what there is, so that “messages/s” says what both bear together; the load’s own CPU stands beside.',
];

/** The value of an option of the load; undefined = it has none. */
export const optionOf = ({ load }, option) => (load.includes(option) ? load[load.indexOf(option) + 1] : undefined);

/** What is measured of it: 'connect', 'match' or 'message'. */
export const kindOf = (scenario) => ({ idle: 'connect', close: 'connect', find: 'match', match: 'match' }[optionOf(scenario, '--do')] ?? 'message');
