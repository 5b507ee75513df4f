'use strict';
// A WebSocket server on a free port of loopback, and a socket.io one as small as the protocol allows (version 4, no
// polling). Prints the port; on a line of input it prints what reached it.
const WebSocket = require(process.argv[2]);
const seen = { connections: 0, messages: 0 };

function plain(socket) {
  socket.on('message', (data) => { // no answer to a step that waits for none: Artillery would take it for the next one's
    seen.messages += 1;
    if (String(data) !== 'hello') socket.send(String(data));
  });
}

function socketIo(socket) {
  socket.send('0' + JSON.stringify({ sid: 'a', upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1e6 }));
  socket.on('message', (data) => {
    const text = String(data);
    if (text.startsWith('40')) socket.send('40{"sid":"b"}');
    const event = /^42(\d*)(\[.*\])$/.exec(text);
    if (!event) return;
    seen.messages += 1;
    const [name, said] = JSON.parse(event[2]);
    if (event[1]) socket.send(`43${event[1]}[${JSON.stringify(said)}]`);
    else socket.send('42' + JSON.stringify([`${name} back`, said]));
  });
}

const server = new WebSocket.Server({ host: '127.0.0.1', port: 0 }, () => console.log(server.address().port));
server.on('connection', (socket, request) => {
  seen.connections += 1;
  (request.url.startsWith('/socket.io/') ? socketIo : plain)(socket);
});
process.stdin.on('data', () => console.log(JSON.stringify(seen)));
process.stdin.on('end', () => process.exit(0));
