'use strict';

// What the page knows: every state of each pool, once. A schedule is a walk from state to state.

const byId = (id) => document.getElementById(id);
const pools = [...document.querySelectorAll('script.pool')].map((script) => prepare(JSON.parse(script.textContent)));
const [status, goal, main] = [byId('status'), byId('goal'), document.querySelector('main')];
const calm = matchMedia('(prefers-reduced-motion: reduce)');

// Which thread took each step: one list for all pools. A pool follows as long as it can.
let choices = [];
let timer = 0;
let ends = 0;
let asked = false;

// ---- What can be known about a pool before it is played.

function prepare(pool) {
  const { states } = pool;
  pool.short = pool.name.split(',')[0];
  pool.depth = states.map(() => -1);
  pool.depth[0] = 0;
  const order = [0]; // Each state after those that lead to it: a step always makes a schedule longer.
  for (const state of order) {
    for (const { to } of states[state].steps) {
      if (to !== undefined && pool.depth[to] < 0) {
        pool.depth[to] = pool.depth[state] + 1;
        order.push(to);
      }
    }
  }
  pool.toTwo = distances(pool, order, (state) => state.jobs.length >= 2);
  pool.toStuck = distances(pool, order, (state) => state.steps.length === 0 && state.waits.length > 0);
  pool.ends = states.filter((state) => state.steps.length === 0).length;
  pool.running = [0, 1, 2].map((jobs) => states.filter((state) => Math.min(state.jobs.length, 2) === jobs).length);
  return pool;
}

// How many steps each state is away from the nearest one that is wanted. Infinity: it cannot be reached.
function distances(pool, order, wanted) {
  const distance = pool.states.map(() => Infinity);
  for (const index of [...order].reverse()) {
    const state = pool.states[index];
    const next = state.steps.map(({ to }) => (to === undefined ? Infinity : distance[to] + 1));
    distance[index] = wanted(state) ? 0 : Math.min(Infinity, ...next);
  }
  return distance;
}

// Where the choices lead, as far as this pool can follow them.
function follow(pool) {
  const path = [];
  let index = 0;
  for (const choice of choices) {
    const step = pool.states[index].steps.find((it) => choiceOf(it) === choice);
    if (step?.to === undefined) break;
    path.push({ ...step, from: index });
    index = step.to;
  }
  return { index, state: pool.states[index], path, has: possessions(pool, path), behind: path.length < choices.length };
}

// For each lock the threads that have it, and for each channel the numbers of the messages in it.
function possessions(pool, path) {
  const has = Object.fromEntries(pool.objects.map((name) => [name, []]));
  const sent = {};
  const waiting = {};
  for (const { thread, action, refused, to } of path) {
    const what = action.split(' ')[0];
    const object = /(mutex|rwlock|channel)( \d+)?$/.exec(action)?.[0];
    const channel = object ?? 'channel';
    const take = (lock) => !refused && !has[lock]?.includes(thread) && has[lock]?.push(thread);
    const release = (lock) => { if (has[lock]) has[lock] = has[lock].filter((it) => it !== thread); };
    if (/^(try_)?(lock|read)$/.test(what)) take(object ?? 'lock');
    if (what === 'unlock') release(object ?? 'lock');
    if (what === 'wait') {
      waiting[thread] = Object.keys(has).findLast((name) => !name.startsWith('channel') && has[name].includes(thread));
      release(waiting[thread]);
    }
    // A wait that can time out wakes up first, and locks in a step of its own. One of `park` has released nothing.
    const locks = (it) => it.thread === thread && /^lock/.test(it.action);
    const { steps, waits } = pool.states[to];
    if (/^(spurious )?wake/.test(action) && ![...steps, ...waits].some(locks)) {
      take(waiting[thread]);
      delete waiting[thread];
    }
    if (/^(try_)?send$/.test(what) && !refused) has[channel]?.push(sent[channel] = (sent[channel] ?? 0) + 1);
    if (/^(try_)?recv$/.test(what) && !refused) has[channel]?.shift();
  }
  return has;
}

// A step without a reason is another choice than the thread's own step.
function choiceOf(step) {
  return step.choice ?? step.thread;
}

const shown = () => pools.filter((pool) => !pool.panel.hidden);
const playing = () => shown().filter((pool) => !pool.now.behind);

// ---- Words.

const VERBS = [
  [/^lock$/, 'takes the lock'], [/^lock (.+)/, 'takes the lock of $1'],
  [/^unlock$/, 'releases the lock'], [/^unlock (.+)/, 'releases the lock of $1'],
  [/^recv/, 'takes a message out of the channel'], [/^send/, 'sends a message'],
  [/^spawn (.+)/, 'starts $1'], [/^start$/, 'begins'], [/^end$/, 'ends'],
  [/^join (.+)/, 'knows that $1 has ended'], [/^job (\d+) (begins|ends)/, (_, job, what) => `${what.slice(0, -1)}s job ${job}`],
  [/^drop (sender|receiver)/, 'drops the $1 of the channel'],
  [/^notify_one/, 'notifies one thread that waits'], [/^notify_all/, 'notifies all threads that wait'],
  [/^wait.*/, 'releases the lock and waits to be notified'], [/^wake up.*/, 'wakes up'],
];

function deed(step) {
  if (step.refused && /^recv/.test(step.action)) return 'finds the channel closed';
  if (step.refused) return `tries “${step.action}”, in vain`;
  const [pattern, words] = VERBS.find(([it]) => it.test(step.action)) ?? [];
  return pattern ? step.action.replace(pattern, words) : `does “${step.action}”`;
}

function reason(pool, wait) {
  const names = wait.for.map((thread) => pool.threads[thread]);
  const what = /^(lock|read|wake)/.test(wait.action) && names.length
    ? wait.for.includes(wait.thread) ? 'the lock, which it has itself' : `the lock, which ${names.join(' and ')} ${names.length > 1 ? 'have' : 'has'}`
    : /^lock/.test(wait.action) ? 'the lock'
    : /^recv/.test(wait.action) ? 'a message: the channel is empty'
    : /^send/.test(wait.action) ? 'room in the channel'
    : /^join/.test(wait.action) ? `the end of ${names.join()}`
    : /^wake/.test(wait.action) ? 'a notification'
    : `“${wait.action}”`;
  return `waits for ${what}`;
}

function label(pool, thread) {
  const name = pool.threads[thread];
  return name === 'main' ? 'm' : /\d+$/.exec(name)?.[0] ?? name[0];
}

const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

// ---- Elements.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const badge = (pool, thread, more = '') => element('span', { class: `badge t${thread % 6} ${more}` }, label(pool, thread));

function makePanel(pool) {
  pool.source = element('pre', { class: 'source', tabindex: '0', 'aria-label': `Source of ${pool.name}` });
  pool.things = element('div', { class: 'things' });
  pool.board = element('div', { class: 'board', tabindex: '0', role: 'region', 'aria-label': `Schedule of ${pool.name} so far` });
  pool.map = element('div', { class: 'map' });
  const whole = element('button', { type: 'button', 'aria-pressed': 'false' }, 'Whole file');
  whole.addEventListener('click', () => {
    const all = whole.getAttribute('aria-pressed') === 'false';
    whole.setAttribute('aria-pressed', all);
    fold(pool, all);
    drawSource(pool);
  });
  const head = element('div', { class: 'head' }, element('h2', {}, pool.name), whole);
  pool.panel = element('section', { class: 'pool', 'aria-label': pool.name }, head, pool.source, pool.things, pool.board, pool.map);
  makeSource(pool);
  whole.hidden = !pool.places.size;
  main.append(pool.panel);
}

// Each place as file and line. A path may have colons, so it is the last two that count.
function placeOf(at) {
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(at);
  return { file, line: `${file}:${line}`, column: Number(column) };
}

function makeSource(pool) {
  const all = pool.states.flatMap(({ steps, waits }) => [...steps, ...waits]);
  pool.places = new Set(all.filter(({ at }) => at).map(({ at }) => placeOf(at).line));
  pool.lines = new Map();
  for (const [file, text] of Object.entries(pool.files)) {
    pool.source.append(element('div', { class: 'file' }, file));
    text.trimEnd().split('\n').forEach((code, index) => {
      const row = element('div', {}, element('span', { class: 'number' }, String(index + 1)), element('span', { class: 'marks' }), element('span', { class: 'code' }));
      pool.lines.set(`${file}:${index + 1}`, { row, code });
      pool.source.append(row, element('div', { class: 'gap' }, element('span', { class: 'code' }, '⋯')));
    });
  }
  fold(pool, false);
}

// Without the whole file: the lines with a step, and those around them.
function fold(pool, whole) {
  let before = true;
  const open = [];
  for (const [line, { row, code }] of pool.lines) {
    const [, file, number] = /^(.*):(\d+)$/.exec(line);
    const near = [-2, -1, 0, 1].some((away) => pool.places.has(`${file}:${Number(number) + away}`));
    const isOpen = whole || !pool.places.size || pool.places.has(line) || (near && !/^\s*(\/\/.*)?$/.test(code));
    row.classList.toggle('folded', !isOpen);
    row.nextSibling.classList.toggle('closed', !isOpen && before);
    before = isOpen;
    if (isOpen && code.trim()) open.push(code);
  }
  pool.indent = Math.min(...open.map((code) => code.search(/\S/)));
}

// ---- Drawing.

function drawSource(pool) {
  const { state, path } = pool.now;
  for (const { row, code } of pool.lines.values()) {
    row.className = row.classList.contains('folded') ? 'folded' : '';
    row.querySelector('.marks').replaceChildren();
    write(row, code.slice(pool.indent));
  }
  let first;
  for (const thread of pool.threads.keys()) {
    const next = [...state.steps, ...state.waits].find((it) => it.thread === thread);
    const last = path.findLast((step) => step.thread === thread && step.at);
    const place = next?.at ?? last?.at;
    const line = next && place && pool.lines.get(placeOf(place).line);
    if (!line) continue;
    const waits = state.waits.includes(next);
    line.row.querySelector('.marks').append(badge(pool, thread, `${waits ? 'waits' : ''} ${next.at ? '' : 'away'}`));
    line.row.classList.add('here', `t${thread % 6}`);
    if (next.at) write(line.row, line.code.slice(pool.indent), placeOf(place).column - pool.indent, thread, /^(unlock|drop)/.test(next.action));
    if (path.at(-1)?.thread === thread || !first) first = line.row;
  }
  pool.look = first;
}

// Only when all is drawn is it known how much room there is. Only the parts scroll, and not the page.
function scroll(pool) {
  pool.board.scrollTop = pool.board.scrollHeight;
  if (!pool.look) return;
  const { offsetTop, offsetHeight } = pool.look;
  const { scrollTop, clientHeight } = pool.source;
  if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight) {
    pool.source.scrollTop = offsetTop - clientHeight / 2;
  }
}

// A line of code, with the word marked that begins in this column, or the one character there.
function write(row, code, column, thread, drop) {
  const target = row.querySelector('.code');
  const comment = code.search(/(^|\s)\/\//);
  const from = column === undefined ? code.length : [...code].slice(0, column - 1).join('').length;
  const word = column === undefined ? '' : /^(\w+|.)/.exec(code.slice(from))?.[0] ?? '';
  if (column === undefined && comment >= 0) {
    return target.replaceChildren(code.slice(0, comment), element('span', { class: 'comment' }, code.slice(comment)));
  }
  const mark = element('mark', { class: `t${thread % 6} ${drop ? 'drop' : ''}` }, word);
  target.replaceChildren(code.slice(0, from), ...(word ? [mark] : []), code.slice(from + word.length));
}

function drawThings(pool) {
  const { has } = pool.now;
  pool.things.replaceChildren(...pool.objects.map((name) => {
    const inside = has[name];
    if (!name.startsWith('channel')) {
      const free = element('span', { class: 'token' }, name);
      const place = inside.length ? inside.map((thread) => pool.threads[thread]).join(', ') + ' has it' : free;
      return element('span', { class: 'slot' }, `${name}:`, element('span', { class: 'place' }, place));
    }
    const messages = inside.map((number) => element('span', { class: 'token message' }, `message ${number}`));
    const place = element('span', { class: 'place' }, ...(messages.length ? messages : ['empty']));
    return element('span', { class: 'slot channel' }, `${name}:`, place);
  }));
}

function tokens(pool, thread) {
  const { state, path, has } = pool.now;
  const locks = Object.entries(has).filter(([name, by]) => !name.startsWith('channel') && by.includes(thread));
  const begun = path.filter((step) => step.thread === thread).map((step) => /^job (\d+) begins/.exec(step.action)?.[1]);
  const jobs = state.jobs.filter((job) => begun.includes(String(job)));
  return [...locks.map(([name]) => element('span', { class: 'token' }, name)),
    ...jobs.map((job) => element('span', { class: 'token job' }, `runs job ${job}`))];
}

// A column for each thread and a row for each step, as in the terminal.
function drawBoard(pool) {
  const { path, state } = pool.now;
  const heads = pool.threads.map((name, thread) =>
    element('th', { scope: 'col' }, badge(pool, thread), ` ${name} `, ...tokens(pool, thread)));
  const rows = path.map((step, index) => {
    const before = pool.states[step.from].waits;
    const earlier = index ? pool.states[path[index - 1].from].waits : [];
    const cells = pool.threads.map((_, thread) => waitCell(before, earlier, thread, step.thread === thread && step));
    return element('tr', {}, element('td', {}, String(index + 1)), ...cells);
  });
  const earlier = path.length ? pool.states[path.at(-1).from].waits : [];
  const stuck = state.steps.length === 0;
  if (state.waits.length) {
    const cells = pool.threads.map((_, thread) => waitCell(state.waits, earlier, thread, false, stuck));
    rows.push(element('tr', {}, element('td'), ...cells));
  }
  rows[path.length - 1]?.classList.add('last');
  const head = element('thead', {}, element('tr', {}, element('th', {}, '#'), ...heads));
  pool.board.replaceChildren(element('table', {}, head, element('tbody', {}, ...rows)));
}

function waitCell(waits, earlier, thread, step, stuck = false) {
  if (step) return element('td', {}, step.action + (step.refused ? ' (in vain)' : ''));
  const wait = waits.find((it) => it.thread === thread);
  if (!wait) return element('td');
  const known = !stuck && earlier.some((it) => it.thread === thread && it.action === wait.action);
  return element('td', { class: 'waits' }, known ? '┊' : `${stuck ? 'stuck' : 'waits'}: ${wait.action}`);
}

// A column for each number of steps, as high as there are states with so many.
function drawMap(pool) {
  const { index, path } = pool.now;
  const ahead = new Set([index]);
  for (const state of ahead) pool.states[state].steps.forEach(({ to }) => to !== undefined && ahead.add(to));
  const columns = [];
  const left = [0, 0, 0];
  pool.states.forEach((state, number) => {
    const jobs = Math.min(state.jobs.length, 2);
    const column = (columns[pool.depth[number]] ??= [0, 0, 0, 0]);
    column[ahead.has(number) ? jobs : 3] += 1;
    left[jobs] += ahead.has(number);
  });
  const highest = Math.max(...columns.map((column) => column.reduce((sum, count) => sum + count)));
  const kinds = [['two', 2], ['one', 1], ['none', 0], ['gone', 3]];
  const drawn = columns.map((column, steps) => {
    let top = 100;
    return kinds.filter(([, kind]) => column[kind]).map(([name, kind]) => {
      const height = Math.max(kind === 2 ? 5 : 1.5, (92 * column[kind]) / highest);
      top -= height;
      return `<rect class="${name}" vector-effect="non-scaling-stroke" x="${steps * 10 + 1}" y="${top}" width="8" height="${height}"/>`;
    }).join('');
  });
  const here = `<rect class="now" vector-effect="non-scaling-stroke" x="${path.length * 10}" y="1" width="10" height="98"/>`;
  const key = (name) => `<span class="key ${name}"></span>`;
  // Whether there are any is what the reader tries to find out.
  const none = pool.missing || pool.cannotTell ? 'none on this page' : 'none, ever';
  const count = pool.running[2] ? `${left[2].toLocaleString('en')} of ${pool.running[2].toLocaleString('en')}` : none;
  const two = !byId('to-two') || asked || isWon() ? count : '?';
  pool.map.innerHTML = `<svg viewBox="0 0 ${columns.length * 10} 100" preserveAspectRatio="none" aria-hidden="true">${drawn.join('')}${here}</svg>`
    + `<p class="caption"><b>${plural(pool.states.length, 'state')}</b>${pool.missing ? ' on this page, and there are more' : ' in all'}, by steps from the start. `
    + `<b>${ahead.size.toLocaleString('en')}</b> can still come: ${key('none')} no job runs, ${key('one')} one job, `
    + `${key('two')} two jobs (<b>${two}</b>); ${key('')} can come no more.</p>`;
}

function drawThreads() {
  const active = document.activeElement;
  const names = shown().map((pool) => pool.threads).reduce((one, other) => (other.length > one.length ? other : one), []);
  const group = byId('threads');
  while (group.children.length > names.length) group.lastChild.remove();
  names.forEach((name, thread) => drawThread(group.children[thread] ?? group.appendChild(makeThread(thread)), name, thread));
  // A button that is disabled loses the focus, and the keyboard would be lost with it.
  if (group.contains(active) && active.disabled) group.querySelector('button:enabled')?.focus();
}

function makeThread(thread) {
  const card = element('div', { class: `thread t${thread % 6}` },
    element('button', { type: 'button', 'data-thread': String(thread), 'aria-describedby': `why-${thread}` },
      element('span', { class: 'badge' }), element('span', { class: 'name' }), element('span', { class: 'does' })),
    element('p', { class: 'why', id: `why-${thread}` }));
  card.querySelector('button').addEventListener('click', () => choose(thread));
  return card;
}

function drawThread(card, name, thread) {
  const several = shown().length > 1;
  const button = card.querySelector('button');
  const able = playing().flatMap((pool) => pool.now.state.steps.filter((it) => choiceOf(it) === thread && it.to !== undefined));
  button.disabled = able.length === 0;
  card.classList.toggle('waits', button.disabled);
  button.querySelector('.badge').textContent = label({ threads: { [thread]: name } }, thread);
  button.querySelector('.name').textContent = name;
  button.querySelector('.does').textContent = [...new Set(able.map((step) => step.action))].join(' / ');
  const whys = playing().map((pool) => [pool, whyNot(pool, thread)]).filter(([, why]) => why);
  const same = whys.length === playing().length && new Set(whys.map(([, why]) => why)).size === 1;
  card.querySelector('.why').replaceChildren(
    ...whys.map(([pool, why]) => element('span', {}, several && !same ? `${pool.short}: ${why}` : why)).slice(0, same ? 1 : whys.length),
    ...extras(thread));
}

function whyNot(pool, thread) {
  const { state, path } = pool.now;
  const own = state.steps.find((it) => choiceOf(it) === thread);
  const wait = state.waits.find((it) => it.thread === thread);
  if (own) return own.to === undefined ? 'this page ends here: it does not hold all states' : '';
  if (wait) return reason(pool, wait);
  return path.some((step) => step.thread === thread) ? 'has ended' : 'is not there yet';
}

// What a thread can do for no reason, like a spurious wake-up.
function extras(thread) {
  const steps = playing().flatMap((pool) => pool.now.state.steps);
  const mine = steps.filter((step) => step.thread === thread && choiceOf(step) !== thread && step.to !== undefined);
  const byChoice = new Map(mine.map((step) => [choiceOf(step), step]));
  return [...byChoice].map(([choice, step]) => {
    const button = element('button', { type: 'button' }, step.action);
    button.addEventListener('click', () => choose(choice));
    return button;
  });
}

// ---- What is said.

function say(text, is = '') {
  status.textContent = text;
  status.dataset.is = is;
}

function tell() {
  const several = shown().length > 1;
  const told = shown().map((pool) => [pool, news(pool)]).filter(([, text]) => text);
  const best = shown().some((pool) => pool.now.state.jobs.length >= 2);
  const apart = shown().some((pool) => pool.now.behind && pool.now.path.length === choices.length - 1);
  const same = new Set(told.map(([, text]) => text)).size === 1;
  const text = same ? told[0][1] : told.map(([pool, it]) => (several ? `${capital(pool.short)}${pool.now.behind ? '' : ':'} ${it}` : it)).join(' ');
  say(text, best ? 'won' : apart ? 'apart' : '');
}

function news(pool) {
  const { path, state, behind } = pool.now;
  const name = (thread) => pool.threads[thread];
  if (behind) {
    if (path.length < choices.length - 1) return `has stayed behind since step ${path.length + 1}.`;
    const choice = choices[path.length];
    const wait = state.waits.find((it) => it.thread === choice);
    return `cannot follow: ${name(choice % 64) ?? 'that thread'} ${wait ? reason(pool, wait) : whyNot(pool, choice)}.`;
  }
  const step = path.at(-1);
  if (!step) return 'All is still to come. Which thread takes the first step?';
  const before = pool.states[step.from];
  const waits = state.waits.filter((it) => !before.waits.some((old) => old.thread === it.thread && old.action === it.action));
  const number = shown().length > 1 ? '' : `Step ${path.length}: `;
  const said = [`${number}${name(step.thread)} ${deed(step)}.`, ...waits.map((wait) => `${name(wait.thread)} ${reason(pool, wait)}.`)];
  if (state.jobs.length >= 2 && before.jobs.length < state.jobs.length) said.push(`Jobs ${state.jobs.join(' and ')} run at once. That is the goal!`);
  if (state.steps.length === 0) said.push(...ending(pool));
  return said.join(' ');
}

function ending(pool) {
  const { state, path } = pool.now;
  const said = [];
  if (state.waits.length) said.push('Stuck: no thread can ever go on.');
  else said.push('All threads have ended.');
  for (const job of state.lost ?? []) said.push(`Job ${job} was not run as it should.`);
  if (byId('to-two') && path.every((step) => pool.states[step.to].jobs.length < 2)) {
    said.push('Two jobs never ran at once. Try another order, or ask for a way.');
  }
  return said;
}

// There is no way, or only from before.
function noWay(pool, distance, what) {
  const { path } = pool.now;
  const the = shown().length > 1 ? `${capital(pool.short)}: t` : 'T';
  if (pool.missing || pool.cannotTell) {
    return `${the}his page knows no way from here, but it does not hold every state: ${pool.missing ?? pool.cannotTell}.`;
  }
  if (distance[0] === Infinity) {
    const none = what === 'two' ? 'in none of them do two jobs run' : 'in none of them is a thread stuck';
    return `${the}here is no way from here, and there is none from the start. `
      + `However its threads take turns, ${pool.name} can only be in these ${plural(pool.states.length, 'state')}. All of them are on this page, and ${none}.`;
  }
  const last = path.findLastIndex((step) => distance[step.from] !== Infinity);
  const step = path[last];
  return `${the}here is no way from here. There was one before step ${last + 1}: ${pool.threads[step.thread]} ${deed(step)}.`;
}

function isWon() {
  return shown().some((pool) => pool.now.path.some((step) => pool.states[step.to].jobs.length >= 2));
}

function drawGoal() {
  const chip = goal.querySelector('b');
  const won = isWon();
  const never = asked && shown().every((pool) => pool.toTwo[0] === Infinity && !pool.missing && !pool.cannotTell);
  goal.dataset.is = won ? 'won' : never ? 'never' : '';
  chip.textContent = won ? '✓ reached' : '✗ cannot be reached';
  chip.hidden = !won && !never;
}

// ---- What the reader does.

function draw() {
  for (const pool of pools) pool.now = follow(pool);
  main.className = shown().length > 1 ? 'two' : 'single';
  for (const pool of shown()) {
    pool.panel.classList.toggle('behind', pool.now.behind);
    for (const part of [drawSource, drawThings, drawBoard, drawMap]) part(pool);
  }
  drawThreads();
  drawGoal();
  byId('undo').disabled = choices.length === 0;
  byId('restart').disabled = choices.length === 0;
}

// Goes where these choices lead, and says so.
function go(next, quiet = false) {
  choices = next;
  draw();
  // No pool follows any further than this.
  const longest = Math.max(...shown().map((pool) => pool.now.path.length));
  if (longest < choices.length) return go(choices.slice(0, longest), quiet);
  const address = choices.length ? `#${choices.join()}` : '#';
  if (location.hash !== address && location.hash !== `#${choices.join()}`) history.replaceState(null, '', address);
  if (!quiet) tell();
  shown().forEach(scroll);
}

function choose(choice) {
  stop();
  go([...choices, choice]);
}

function stop() {
  clearInterval(timer);
  timer = 0;
  byId('play').setAttribute('aria-pressed', 'false');
}

// Takes these steps one after another, so that they can be watched.
function playAlong(steps, pause) {
  stop();
  const advance = () => {
    const step = typeof steps === 'function' ? steps() : steps.shift();
    if (step === undefined) return stop();
    const rest = typeof steps === 'function' || steps.length > 0;
    go([...choices, step], rest);
    if (!rest) stop();
  };
  if (calm.matches && Array.isArray(steps)) return go([...choices, ...steps]);
  timer = setInterval(advance, pause);
  advance();
}

function play() {
  if (timer) {
    stop();
    return tell();
  }
  const random = () => {
    const able = playing().flatMap((pool) => pool.now.state.steps.filter((step) => step.to !== undefined));
    if (able.length === 0) tell();
    return able.length ? choiceOf(able[Math.floor(Math.random() * able.length)]) : undefined;
  };
  playAlong(random, 600);
  if (timer) byId('play').setAttribute('aria-pressed', 'true');
}

function find(what) {
  stop();
  const distanceOf = (pool) => (what === 'two' ? pool.toTwo : pool.toStuck);
  asked ||= what === 'two';
  const able = playing();
  const found = able.find((pool) => distanceOf(pool)[pool.now.index] !== Infinity);
  const none = shown().filter((pool) => pool !== found && (pool.now.behind || distanceOf(pool)[pool.now.index] === Infinity));
  const said = none.map((pool) => noWay(pool, distanceOf(pool), what)).join(' ');
  shown().forEach(drawMap);
  drawGoal();
  if (!found) return say(said, 'never');
  const distance = distanceOf(found);
  if (distance[found.now.index] === 0) return say(`This is it: ${what === 'two' ? 'two jobs run at once' : 'no thread can go on'}. ${said}`, 'won');
  const steps = [];
  for (let index = found.now.index; distance[index] > 0;) {
    const step = found.states[index].steps.find(({ to }) => to !== undefined && distance[to] === distance[index] - 1);
    steps.push(choiceOf(step));
    index = step.to;
  }
  playAlong(steps, 350);
}

function readAddress() {
  const numbers = location.hash.slice(1).split(',').filter(Boolean).map(Number);
  go(numbers.every(Number.isInteger) ? numbers : []);
}

function makeChooser() {
  const group = byId('show');
  if (pools.length < 2) return;
  for (const pool of pools) {
    const button = element('button', { type: 'button', 'aria-pressed': String(!pool.panel.hidden) }, pool.short);
    button.addEventListener('click', () => {
      if (!pool.panel.hidden && shown().length === 1) return; // One stays.
      pool.panel.hidden = !pool.panel.hidden;
      button.setAttribute('aria-pressed', String(!pool.panel.hidden));
      stop();
      go(choices);
    });
    group.append(button);
  }
}

pools.forEach(makePanel);
pools.forEach((pool, index) => { pool.panel.hidden = index > 1; });
makeChooser();
byId('undo').addEventListener('click', () => { stop(); go(choices.slice(0, -1)); });
byId('restart').addEventListener('click', () => { stop(); go([]); });
byId('play').addEventListener('click', play);
byId('to-two')?.addEventListener('click', () => find('two'));
byId('to-stuck').addEventListener('click', () => find('stuck'));
addEventListener('hashchange', () => { stop(); readAddress(); });
addEventListener('keydown', (event) => {
  if (!byId('keys').checked || event.ctrlKey || event.altKey || event.metaKey) return;
  const named = [...document.querySelectorAll('button[data-thread]')].find((it) => it.querySelector('.badge').textContent === event.key.toLowerCase());
  const button = named ?? { u: byId('undo'), Backspace: byId('undo'), r: byId('restart'), p: byId('play') }[event.key.length > 1 ? event.key : event.key.toLowerCase()];
  button?.click();
});
readAddress();
