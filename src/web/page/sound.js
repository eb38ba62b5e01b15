/* sound.js - two soft tones, made by the browser: no file, and no sound that nobody asked for. */

const VOLUME = 0.08;
const TONE_S = 0.18;
/** in hertz: a fifth up for a stranger, one tone for a message */
const TONES = { matched: [440, 660], message: [660], ended: [440, 330] };

/** @type {AudioContext | undefined} */
let context;

/** Browsers allow sound only from a press or click on: call this in one. */
export function allowSound() {
  if ('AudioContext' in globalThis) {
    context ??= new AudioContext();
    context.resume().catch(() => {}); // not in a gesture after all: the next one will do
  }
}

/** @param {keyof typeof TONES} kind */
export function playSound(kind) {
  if (context?.state !== 'running') {
    return;
  }
  const { destination, currentTime } = context;
  for (const [place, frequency] of TONES[kind].entries()) {
    const start = currentTime + place * TONE_S;
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.linearRampToValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(VOLUME, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + TONE_S);
    tone.connect(gain).connect(destination);
    tone.start(start);
    tone.stop(start + TONE_S);
  }
}
