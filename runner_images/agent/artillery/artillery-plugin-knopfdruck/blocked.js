'use strict';
// Refuses connections to the addresses in KD_BLOCKED (networks, by comma), after DNS and behind redirects too. Each thread
// of Artillery loads it with the plugin. It holds for scripts, not against code that wants to undo it.
const net = require('node:net');

const list = new net.BlockList();
for (const network of (process.env.KD_BLOCKED || '').split(',').filter(Boolean)) {
  const [address, bits] = network.split('/');
  list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  this.blockList = list;
  return connect.apply(this, args);
};
