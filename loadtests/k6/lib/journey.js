// One customer's way through all four services: browse, log in, buy, and the page's own events.

import { check, group } from 'k6';

import { pause } from './pause.js';
import {
  SEARCH_WORDS, addItem, listProducts, logIn, openCart, pay, pick, reportTop, searchProducts, sendEvents, showCart,
  showOrder, showProduct,
} from './shop.js';

// The product that was looked at, or null when the shop did not get that far.
export function browse() {
  return group('browse', () => {
    listProducts();
    // Also after a failure: a shop that answers errors at once must not turn customers into a flood.
    pause(0.5, 1);
    const found = searchProducts(pick(SEARCH_WORDS));
    pause(0.5, 1);
    const product = found && showProduct(pick(found.products).id);
    if (product === null) {
      return null;
    }
    sendEvents({ type: 'view', product_id: product.id });
    pause(0.5, 1);
    return product;
  });
}

export function buy(user, product) {
  group('buy', () => {
    const session = logIn(user);
    const cart = session && openCart(session.token);
    if (!cart || addItem(session.token, cart.id, product.id) === null) {
      return;
    }
    pause(0.5, 1);
    showCart(session.token, cart.id);
    const order = pay(session.token, cart.id);
    if (order !== null) {
      check(order, { 'the order costs what the product does': (o) => o.total_cents === product.price_cents });
      showOrder(session.token, order.id);
      sendEvents([{ type: 'cart', product_id: product.id }, { type: 'purchase', product_id: product.id }]);
    }
    pause(0.5, 1);
  });
}

export function readReport() {
  group('report', () => {
    const report = reportTop('view');
    check(report, { 'the report names products': (r) => r !== null && r.top.length > 0 });
  });
}
