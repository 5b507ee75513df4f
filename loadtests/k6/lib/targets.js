// Where the four services are: from the environment, or the sample shop on this machine.

const DEFAULT_PORTS = { product: 18101, user: 18102, checkout: 18103, analytics: 18104 };

function address(service) {
  const given = __ENV[`TARGET_${service.toUpperCase()}`];
  return (given || `http://127.0.0.1:${DEFAULT_PORTS[service]}`).replace(/\/+$/, '');
}

export const targets = {
  product: address('product'),
  user: address('user'),
  checkout: address('checkout'),
  analytics: address('analytics'),
};
