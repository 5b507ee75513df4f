// Think time: people read a page before they click. THINK_FACTOR scales all pauses (1 as written, 0 none).

import { sleep } from 'k6';

const factor = Number(__ENV.THINK_FACTOR || 1);
if (!(factor >= 0 && factor <= 100)) {
  throw new Error('THINK_FACTOR must be a number from 0 to 100');
}

export function pause(leastSeconds, mostSeconds) {
  const seconds = factor * (leastSeconds + Math.random() * (mostSeconds - leastSeconds));
  if (seconds > 0) {
    sleep(seconds);
  }
}
