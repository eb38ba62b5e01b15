// bot.mjs - a stranger who says what you say: node bot.mjs ws://localhost:8080/ws
import { Passerby } from 'passerby-client';
import WebSocket from 'ws'; // Node has one of its own from 22 on

const client = new Passerby({ url: process.argv[2] ?? 'ws://localhost:8080/ws', WebSocket });
const find = () => client.find({ topics: ['bots'] });

client.on('matched', () => client.say('I am a bot. Say "bye", and I go.'));
client.on('message', ({ body }) => {
  if (body === 'bye') client.leave();
  else if (!client.objection(body)) client.say(body);
});
client.on('ended', find);
client.on('closed', ({ code }) => console.error(`the server wants no more of this bot: ${code}`));
process.on('SIGTERM', () => {
  client.leave();
  client.close();
});
find();
