/** The demo model's texts. The prompt determines the text, so that the same prompt gets the same answer. */

const GREETINGS = [
  'Hello! Nice to meet you.',
  'Hi there! Good to see you.',
  'Welcome! I am glad that you wrote.',
];

const REMARKS = [
  'That is a good thing to bring up, and I have given it the thought that a demo can give.',
  'I like how you put that. My answer is short, but it comes gladly.',
  'Let me say this much about it: it is worth a closer look, and you are looking already.',
  'There are two sides to that, and the nicer one is that you asked.',
];

const HINTS = [
  'I am the demo model, with neither network nor key. Ask me for *the time*, to *wait 3 seconds*, or for *a long story*, and write again while I am still answering.',
  'As the demo model I cannot look things up. I can tell *the time*, *wait 5 seconds* and then *wait 2 seconds* more, write *200 words about the sea*, or call a tool by its name: `use wait {"seconds": 2}`. Interrupt me whenever you like.',
];

const SENTENCES = [
  'It began on an ordinary morning, with nothing in the air to say that this day would be different.',
  'The first thing to know about {topic} is that nobody gets to see all of it at once.',
  'People had opinions, of course, and most of them were offered before anyone had asked.',
  'A small message went ahead, as small messages do, and arrived a little before it was expected.',
  'What mattered was **not the speed** but that nothing was lost on the way.',
  'Some turned back at the first bridge, and some sat down beside it to listen to the water.',
  'There was a pause, just long enough for somebody to change their mind.',
  'Then a new voice joined in, and instead of starting over the others simply made room for it.',
  '{topic} has a way of looking simple until one tries to explain it to a friend.',
  'The notes from that time are short, but each of them is still in its place.',
  'By noon the plan had changed twice, and it was better for it both times.',
  'An old hand remarked that *patience is mostly a matter of good bookkeeping*, and went back to work.',
  'Nobody raised their voice, and yet everyone was heard in the order in which they had spoken.',
  'In the evening they compared what each of them remembered, and the pieces fitted together.',
  'If there is a lesson in {topic}, it is that one can listen and speak in the same breath.',
  'The lamp was left on for whoever would come back late.',
];

const SENTENCES_PER_PARAGRAPH = 4;
const DEFAULT_LONG_WORDS = 220;
const MIN_LONG_WORDS = 20;
const MAX_LONG_WORDS = 3000;

export function demoReply(content: string): string {
  const seed = hash(content);
  const words = longWords(content);
  if (words !== undefined) return story(topicOf(content), words, seed);
  const opening = /\b(hi|hello|hey|good (morning|evening|day))\b/i.test(content) ? GREETINGS : REMARKS;
  return `${pick(opening, seed)} ${pick(HINTS, seed)}`;
}

function longWords(content: string): number | undefined {
  const asked = /(\d+)\s*words?\b/i.exec(content)?.[1];
  if (asked !== undefined) return Math.min(Math.max(Number(asked), MIN_LONG_WORDS), MAX_LONG_WORDS);
  return /\b(long|longer|story|tale|essay|poem|article|detail(s|ed)?)\b/i.test(content)
    ? DEFAULT_LONG_WORDS
    : undefined;
}

function topicOf(content: string): string {
  return /\b(?:about|on|of)\s+(?!\d)([^.,;:!?\n]{2,60})/i.exec(content)?.[1]?.trim() ?? 'a conversation';
}

/** Makes paragraphs with a heading and a closing list, of about the given number of words. */
function story(topic: string, words: number, seed: number): string {
  const paragraphs: string[][] = [[]];
  let count = 0;
  for (let n = 0; count < words; n++) {
    if (paragraphs.at(-1)?.length === SENTENCES_PER_PARAGRAPH) paragraphs.push([]);
    const sentence = capitalise(pick(SENTENCES, seed + n).replace('{topic}', topic));
    paragraphs.at(-1)?.push(sentence);
    count += sentence.split(' ').length;
  }
  const body = paragraphs.map((sentences) => sentences.join(' ')).join('\n\n');
  const ending = `To keep:\n\n- ${capitalise(topic)} can wait.\n- Listening goes on.\n- Nothing said is taken back.`;
  return `## ${capitalise(topic)}\n\n${body}\n\n${ending}`;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function pick(texts: readonly string[], seed: number): string {
  return texts[seed % texts.length] ?? '';
}

/** FNV-1a hash, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) value = Math.imul(value ^ text.charCodeAt(n), 0x01000193);
  return value >>> 0;
}
