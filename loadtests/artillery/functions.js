// What the scenarios need and YAML cannot say. Variables keep their type only when they are the whole template
// ("{{ productId }}"); a {{ $randomNumber() }} in a JSON body would arrive as a string.
'use strict';

const PRODUCTS = 200;
const SEARCH_WORDS = ['lamp', 'kettle', 'tent', 'red', 'small', 'folding chair'];
const EVENT_TYPES = ['view', 'view', 'view', 'search', 'cart', 'purchase'];

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const anyProductId = () => 1 + Math.floor(Math.random() * PRODUCTS);

function chooseWishes(context, events, done) {
  context.vars.searchWords = encodeURIComponent(pick(SEARCH_WORDS));
  context.vars.productId = anyProductId();
  context.vars.otherProductId = anyProductId();
  context.vars.quantity = 1 + Math.floor(Math.random() * 3);
  context.vars.page = 1 + Math.floor(Math.random() * 10);
  return done();
}

// An address nobody has: $uuid is the virtual user's own, unique across workers and repeated runs.
function becomeNewcomer(context, events, done) {
  context.vars.newEmail = `new.${context.vars.$uuid}@shop.example`;
  context.vars.newPassword = `demo-${Math.floor(Math.random() * 1e9)}`;
  return done();
}

function collectEvents(context, events, done) {
  context.vars.pageEvents = Array.from({ length: 10 }, () => ({ type: pick(EVENT_TYPES), product_id: anyProductId() }));
  return done();
}

module.exports = { becomeNewcomer, chooseWishes, collectEvents };
