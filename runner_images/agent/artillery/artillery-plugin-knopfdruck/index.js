'use strict';
// Runs inside Artillery, beside the user's scenarios. Appends to the files KD_OUT.<thread> one JSON line per second
// with what happened in it; all numbers are additive, so a second may be spread over lines (the gauges vus and lag
// aside). Histograms have k6's bucket layout. With KD_GATE it says ready and waits until that file holds the start
// time in unix seconds. Read by portal/engines/artillery_lines.py.
if (process.env.KD_BLOCKED) require('./blocked.js');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { isMainThread, threadId, BroadcastChannel } = require('node:worker_threads');
const { once } = require('./once.js');

const MOST_SERIES = 2000;          // per second and kind; what is above goes to one series, so that no line grows without end
const OTHER = '__other__';
const BETWEEN = '\u0000';          // labels
const UNREAD = new Set(['counter', 'histogram', 'rate']); // Artillery's own statistics of http: for its report, and for plugins but these
const READ_NONE = new Set(['expect', 'fake-data', 'knopfdruck']);
const BY_ENDPOINT = 'metrics-by-endpoint', BY_ENDPOINTS_HOOK = /^metricsByEndpoint_/;
const OWN = /^(http|vusers|errors|plugins\.(expect|metrics-by-endpoint|apdex))\./; // Artillery's own; counted from its events

const bucket = (ms) => {           // 1 us unit, linear below 256, then 128 buckets per power of two
  const us = Math.min(Math.ceil(ms * 1000), 4294967295);
  if (us < 256) return us;
  const shift = 24 - Math.clz32(us);
  return shift * 128 + (us >>> shift);
};

const newPair = () => [0, 0];
const newHistogram = () => ({ n: 0, sum: 0, min: Infinity, max: -Infinity, bins: new Map() });

class Second {
  constructor() { this.tables = {}; }
  cell(table, labels, fresh) {     // the value under these labels in this table; runs several times per request
    const cells = this.tables[table] || (this.tables[table] = new Map());
    const found = cells.get(labels.join(BETWEEN));
    if (found) return found.value;
    if (cells.size >= MOST_SERIES) labels = labels.map(() => OTHER);
    const key = labels.join(BETWEEN);
    if (!cells.has(key)) cells.set(key, { labels, value: fresh() });
    return cells.get(key).value;
  }
  add(table, labels, value = 1, of = 0) { const c = this.cell(table, labels, newPair); c[0] += value; c[1] += of; }
  time(table, labels, value) {
    if (!Number.isFinite(value)) return;
    const h = this.cell(table, labels, newHistogram);
    h.n += 1; h.sum += value; h.min = Math.min(h.min, value); h.max = Math.max(h.max, value);
    const index = value > 0 ? bucket(value) : 0;
    h.bins.set(index, (h.bins.get(index) || 0) + 1);
  }
  toLine(second, gauges) {
    const line = { t: 'second', s: second, w: threadId, ...gauges };
    for (const [table, cells] of Object.entries(this.tables)) {
      line[table] = [...cells.values()].map(({ labels, value }) => [...labels, ...(Array.isArray(value) ? value : [{ ...value, bins: [...value.bins] }])]);
    }
    return line;
  }
}

class Writer {
  constructor() { this.fd = fs.openSync(`${process.env.KD_OUT || 'lines'}.${threadId}`, 'a'); this.seconds = new Map(); this.vus = 0; }
  now() {
    const second = Math.floor(Date.now() / 1000);
    let found = this.seconds.get(second);
    if (!found) this.seconds.set(second, found = new Second());
    return found;
  }
  line(object) { fs.writeSync(this.fd, JSON.stringify(object) + '\n'); }
  flush(before, gauges) {
    for (const [second, data] of this.seconds) {
      if (second >= before) continue;
      this.line(data.toLine(second, gauges()));
      this.seconds.delete(second);
    }
  }
}

function tap(ee, out, isUnread) {  // what Artillery's engines tell while they work; all users of a thread share one emitter
  const open = new Map();          // request uuid -> its name and how many are unanswered (redirects send more than one)
  const failed = (uuid, error) => { // a request whose answer was counted is not in the map: a failed capture is no failed request
    const sent = open.get(uuid);
    if (sent) out.now().add('requests', [sent.name, '', String(error.code || error.name || error)], sent.unanswered);
    open.delete(uuid);
  };
  const custom = (name, value) => { if (!OWN.test(name)) out.now().time('histograms', [name], Number(value)); };
  const tells = new Map(Object.entries({
    'trace:http:request'(req, uuid) {
      const sent = open.get(uuid);
      if (sent) sent.unanswered += 1;
      else open.set(uuid, { name: String(req.name || req.kdName || req.url), unanswered: 1 });
    },
    'trace:http:response'(res, uuid) {
      const sent = open.get(uuid);
      if (!sent) return;
      sent.unanswered -= 1;
      if (!sent.unanswered) open.delete(uuid);
      const second = out.now(), code = String(res.statusCode);
      second.add('requests', [sent.name, code, '']);
      second.time('latency', [sent.name, code], res.timings.phases.firstByte);
    },
    'trace:http:error'(error, uuid) { failed(uuid, error); },
    error(error) { out.now().add('errors', [String(error)]); },
    'plugin:expect:expectations'(result, req) {
      for (const { ok, type } of result.results) out.now().add('checks', [String(type), String(req.name || req.kdName || req.url)], ok ? 1 : 0, 1);
    },
    counter(name, value) {         // also websocket.messages_sent, socketio.emit and the script's own
      if (!OWN.test(name)) out.now().add('counters', [name], Number(value) || 0);
    },
    histogram: custom, summary: custom,
  }));
  const emit = ee.emit;            // listening costs more: Node copies the list of listeners at each of ten events a request
  ee.emit = function (name, first, second) {
    if (UNREAD.has(name) && String(first).startsWith('http.')) {
      if (first === 'http.downloaded_bytes') out.now().add('bytes', [], Number(second) || 0);
      if (isUnread && ee.listenerCount(name) < 2) return true; // counted once, by us; one listener is Artillery's
    } else tells.get(name)?.(first, second);
    return emit.apply(this, arguments);
  };
  return failed;
}

// A request is called what its address was before its variables are filled in: few names. Written once: a hook that
// Artillery runs before each request costs more than all of the counting.
function nameRequests(flow, target) {
  for (const step of flow || []) {
    if (Array.isArray(step.loop)) nameRequests(step.loop, target);
    else if (Array.isArray(step.parallel)) nameRequests(step.parallel, target);
    else for (const request of Object.values(step)) {
      const url = request && (request.url || request.uri);
      if (typeof url === 'string') request.kdName = target && url.startsWith(target) ? url.slice(target.length) || '/' : url;
    }
  }
}

// How Artillery's three engines make scenarios; `from` leads from argv's program to the engines.
function wrapScenarios(from, wrap) {
  const core = path.resolve(path.dirname(fs.realpathSync(process.argv[1])), from);
  for (const name of ['http', 'ws', 'socketio']) {
    const engine = require(path.join(core, `engine_${name}.js`)).default.prototype;
    const create = engine.createScenario;
    engine.createScenario = function (spec, ee) { return wrap(create.call(this, spec, ee), spec, ee); };
  }
  return core;
}

// Nobody reads Artillery's own statistics: its report is not printed, and no plugin of this script looks at them. Every
// script has the plugin metrics-by-endpoint, which does by itself nothing but make more of them, in hooks on each request.
function leaveUnread(script) {
  const { plugins = {} } = script.config;
  if (!Object.keys(plugins).every((name) => READ_NONE.has(name) || (name === BY_ENDPOINT && plugins[name].suppressOutput))) return false;
  for (const scenario of script.scenarios) {
    for (const hook of ['beforeRequest', 'afterResponse', 'onError']) {
      if (Array.isArray(scenario[hook])) scenario[hook] = scenario[hook].filter((name) => !BY_ENDPOINTS_HOOK.test(name));
    }
  }
  return true;
}

function follow(script, out) {     // counts every user of Artillery's three engines, and names http requests
  const taps = new Map();          // emitter -> how a request on it is told to have failed
  const live = (scenario) => (context, callback) => {
    const start = performance.now();
    let isOver = false;            // the ws engine may call back twice
    out.vus += 1; out.now().add('users', ['created']);
    return scenario(context, (error, after) => {
      if (!isOver) { out.vus -= 1; out.now().add('users', [error ? 'failed' : 'completed']); }
      if (!isOver && !error) out.now().time('sessions', [], performance.now() - start);
      isOver = true;
      return callback(error, after);
    });
  };
  const isUnread = leaveUnread(script);
  const core = wrapScenarios('../../core', (scenario, spec, ee) => { // argv: lib/platform/local/worker.js
    if (!taps.has(ee)) taps.set(ee, tap(ee, out, isUnread));
    return live(scenario);
  });
  const sockets = require(path.join(core, 'engine_ws.js'))._deps;
  sockets.WebSocket = class extends sockets.WebSocket { // the ws engine itself measures no time
    constructor(...args) {
      super(...args);
      const start = performance.now();
      this.once('open', () => out.now().time('histograms', ['websocket.connect_time'], performance.now() - start));
    }
  };
  const processor = script.config.processor = script.config.processor || {};
  processor.knopfdruckError = (error, req, context, ee, next) => { taps.get(ee)?.(req.uuid, error); return next(); };
  for (const scenario of script.scenarios) {
    if ((scenario.engine || script.config.engine || 'http') !== 'http') continue;
    nameRequests(scenario.flow, script.config.target || '');
    scenario.onError = [].concat('knopfdruckError', scenario.onError || []);
  }
}

function waitForStart(out, gate) { // blocks the thread: Artillery starts its phases only after the plugins are made
  const pause = (ms) => ms > 0 && Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  out.line({ t: 'ready', w: threadId });
  let start = 0;
  while (!(start > 0)) { start = fs.existsSync(gate) ? Number(fs.readFileSync(gate, 'utf8')) : 0; if (!(start > 0)) pause(20); }
  pause(start * 1000 - Date.now());
}

function stand() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); } // for ever: the load is over, the process ends soon

class Plugin {
  constructor(script, events) {
    const channel = new BroadcastChannel('knopfdruck');
    channel.unref();
    if (isMainThread) {
      // Artillery would start a thread for every core but one, each dividing the arrivals by its own rounding. Ours are
      // divided already, and the agent starts a process for every core it may use.
      const [first] = os.cpus();
      os.cpus = () => [first];
      // It awaits these on SIGTERM and SIGINT; the threads write their last lines first.
      if (process.env.KD_ONCE) {   // argv: bin/run; in this thread only the sections are scenarios
        const halt = () => channel.postMessage('halt');
        wrapScenarios('../dist/lib/core', (scenario, spec) => (spec.knopfdruck ? once(spec.knopfdruck, scenario, halt) : scenario));
      }
      global.artillery.ext({ ext: 'onShutdown', method: () => new Promise((done) => {
        channel.onmessage = () => done(); channel.ref(); channel.postMessage('flush'); setTimeout(done, 1000);
      }) });
      const out = new Writer();    // users that maxVusers held back are only counted here, every ten seconds
      events.on('stats', ({ counters }) => {
        if (counters['vusers.skipped']) out.now().add('users', ['skipped'], counters['vusers.skipped']);
        out.flush(Infinity, () => ({}));
      });
      return;
    }
    const out = new Writer();
    follow(script, out);
    const delay = monitorEventLoopDelay({ resolution: 10 });
    const gauges = () => { const lag = Math.max(0, delay.max / 1e6 - 10); delay.reset(); return { vus: out.vus, lag }; };
    this.flush = (before) => { out.now(); out.flush(before, gauges); };
    channel.onmessage = ({ data }) => {
      this.flush(Infinity);
      channel.postMessage('done');
      if (data === 'halt') stand();
    };
    if (process.env.KD_GATE) waitForStart(out, process.env.KD_GATE);
    delay.enable();
    this.timer = setInterval(() => this.flush(Math.floor(Date.now() / 1000)), 250);
    this.timer.unref();
  }
  cleanup(done) { if (this.timer) { clearInterval(this.timer); this.flush(Infinity); } done(null); }
}

module.exports = { Plugin, LEGACY_METRICS_FORMAT: false };
