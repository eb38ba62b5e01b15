/* en.js - the page's texts in English. {name} is filled in; of an object, the form for the number {n} is taken
 * (Intl.PluralRules). */

export default {
  'app.name': 'Passerby',
  'app.description': 'Meet a stranger, talk in text, go on your way. No account, nothing stored.',
  'app.unread': '({n}) Passerby',
  'app.no_script': 'Passerby needs JavaScript to carry your messages. Please allow it for this page.',

  'online.people': { one: '{n} person here', other: '{n} people here' },
  'online.alone': 'Only you here now',

  'start.title': 'Somebody is passing by.',
  'start.lead':
    'Say hello to a stranger, in plain text. No names, no account. When one of you leaves, the conversation is gone.',
  'start.topics': 'What would you like to talk about?',
  'start.topics_hint': 'Optional. Press Enter after each topic.',
  'start.topics_placeholder': 'rain, chess, night trains …',
  'start.topics_full': 'Eight topics are enough.',
  'start.topic_long': 'A topic has at most 32 characters.',
  'start.topic_remove': 'Remove {topic}',
  'start.language': 'Language',
  'start.language_any': 'Any language',
  'start.go': 'Start',
  'start.promise': 'Messages pass through and are not kept. Be kind, and keep to yourself who and where you are.',

  'waiting.title': 'Looking for somebody …',
  'waiting.connecting': 'Connecting …',
  'waiting.since': 'for {time}',
  'waiting.topics': 'First among people who like {topics}; after a few seconds, anybody.',
  'waiting.alone': 'Nobody else is here right now. The first to come is yours.',
  'waiting.stop': 'Stop looking',

  'talk.stranger': 'Stranger',
  'talk.you': 'You',
  'talk.here': 'is here',
  'talk.typing': 'is typing …',
  'talk.away': 'is away',
  'talk.gone': 'is gone',
  'talk.log': 'Conversation',
  'talk.began': 'You have met a stranger. Say hello.',
  'talk.common': 'You both like {topics}.',
  'talk.trimmed': 'Older messages are no longer shown.',
  'talk.message': 'Your message',
  'talk.placeholder': 'Write a message',
  'talk.send': 'Send',
  'talk.next': 'Next',
  'talk.stop': 'Stop',
  'talk.really': 'Really?',
  'talk.really_stop': 'Press again to leave this conversation.',
  'talk.really_next': 'Press again to leave and meet somebody else.',
  'talk.newer': 'New messages',
  'talk.size': '{size} of {max}',
  'talk.too_long':
    'That is too long for one message ({size} of at most {max} bytes). Please shorten it, or send it in parts.',
  'talk.paste_too_long': 'That is far too long for a message. Please paste a shorter piece.',
  'talk.refused': 'The server did not take one of your messages.',

  'mark.waiting': 'Not sent yet',
  'mark.sent': 'Sent',
  'mark.delivered': 'Delivered',
  'mark.lost': 'May not have arrived',

  'notice.offline': 'You are offline. What you write is kept, and sent when you are back.',
  'notice.lost': 'The connection is lost. Reconnecting; what you write is kept.',
  'notice.resuming': 'Taking up the conversation again …',
  'notice.unreachable':
    'The server can’t be reached; still trying. If other pages work, a proxy or firewall may be blocking WebSocket.',
  'notice.away': 'The stranger’s connection dropped. Their place is kept for {time}; go on writing if you like.',
  'notice.refused': 'The server would not search with these topics. Please change them.',
  'notice.unsupported':
    'This browser can’t talk to the server: it has no WebSocket. A current Firefox, Chrome, Safari or Edge can.',

  'ended.you_left': 'You left.',
  'ended.left': 'The stranger left.',
  'ended.lost': 'The stranger lost their connection and did not come back.',
  'ended.expired': 'The conversation was over before you came back.',
  'ended.closed': 'The server closed this conversation.',
  'ended.superseded': 'This conversation goes on in another tab or window.',
  'ended.version': 'The server speaks another version. Please reload the page.',
  'ended.unsent': {
    one: 'One of your messages may not have reached them.',
    other: '{n} of your messages may not have reached them.',
  },
  'ended.again': 'Meet somebody else',
  'ended.home': 'Change topics',
  'ended.save': 'Save as text',
  'ended.saved_by': 'A conversation on Passerby, {date}',
};
