'use strict';
// The script's sections before and after run once per run, however many processes it has: the agent says which of them
// runs a section, and gives the others the variables that before made. Artillery runs both in its main thread, as
// scenarios. All words go through files beside KD_ONCE, complete by rename; read by runner_images/agent/sections.py.
const fs = require('node:fs');

const OWN = (name) => name === 'target' || name.startsWith('$'); // Artillery's own variables, $env among them
const LOOK_EVERY_MS = 50;

function say(path, words) {
  fs.writeFileSync(`${path}.draft`, JSON.stringify(words));
  fs.renameSync(`${path}.draft`, path);
}

function order(path, then) {       // waits for the agent's word
  const timer = setInterval(() => {
    if (!fs.existsSync(path)) return;
    clearInterval(timer);
    then(JSON.parse(fs.readFileSync(path, 'utf8')));
  }, LOOK_EVERY_MS);
}

// Wraps the scenario of a section; `halt` stops what load there still is before the section after.
function once(section, scenario, halt) {
  const path = `${process.env.KD_ONCE}.${section}`;
  return (context, callback) => {
    if (section === 'after') { halt(); say(`${path}.waits`, {}); }
    order(path, ({ run, vars }) => {
      if (!run) return callback(null, Object.assign(context, { vars: Object.assign(context.vars, vars) }));
      return scenario(context, (error, after) => {
        if (error) {
          say(`${path}.done`, { error: String(error.message || error) });
          return section === 'after' ? callback(null, context) : undefined; // before: the agent ends this process
        }
        const made = Object.entries(after.vars).filter(([name]) => !OWN(name));
        say(`${path}.done`, { vars: Object.fromEntries(made) });
        return callback(null, after);
      });
    });
  };
}

module.exports = { once };
