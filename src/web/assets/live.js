// What a page does beside showing itself: it takes in what was stored meanwhile, and filters tables as one types.
// Without it everything can be read and done; only by loading pages.
(function () {
  'use strict';

  // Somebody who types, has marked text or has opened something is not to lose it.
  function isBusy(main) {
    var active = document.activeElement;
    var typing = active && main.contains(active) && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName);
    var filled = Array.prototype.some.call(main.querySelectorAll('textarea, input:not([type=hidden])'), function (field) {
      return field.value !== field.defaultValue;
    });
    return typing || filled || String(document.getSelection()) !== '';
  }

  function opened(main) {
    return Array.prototype.map.call(main.querySelectorAll('details'), function (one) { return one.open; });
  }

  // What somebody is at by the keyboard, found again in what takes its place: the first, second, … of its kind and words.
  function focused(main) {
    var active = document.activeElement;
    if (!active || active === main || !main.contains(active)) { return function () {}; }
    var words = function (one) { return one.id || one.getAttribute('href') || one.name || one.textContent; };
    var alike = function () {
      return Array.prototype.filter.call(main.querySelectorAll(active.tagName), function (one) {
        return words(one) === words(active);
      });
    };
    var at = alike().indexOf(active);
    return function () {
      var next = alike()[at];
      if (next) { next.focus({ preventScroll: true }); }
    };
  }

  var pending = false;
  function refresh() {
    var main = document.querySelector('main');
    if (pending || document.hidden || isBusy(main)) { stale = true; return; }
    pending = true;
    stale = false;
    fetch(location.href, { headers: { Accept: 'text/html' }, credentials: 'same-origin' })
      .then(function (response) { return response.ok ? response.text() : null; })
      .then(function (text) {
        if (text === null || isBusy(main)) { return; }
        var fresh = new DOMParser().parseFromString(text, 'text/html');
        var next = fresh.querySelector('main');
        if (!next || next.innerHTML === main.innerHTML) { return; }
        var states = opened(main);
        var back = focused(main);
        main.replaceChildren.apply(main, Array.prototype.slice.call(next.childNodes));
        document.title = fresh.title;
        var details = main.querySelectorAll('details');
        if (details.length === states.length) {
          states.forEach(function (open, at) { details[at].open = open; });
        }
        back();
        filters();
      })
      .catch(function () { stale = true; })
      .then(function () { pending = false; });
  }

  // Only a page that is seen watches: a browser has six connections for all that are open, and those that one went on
  // from, and each that watches keeps one.
  var stale = false;
  var events = null;
  var mark = document.getElementById('live');
  function say(text, name) { if (mark) { mark.textContent = text; mark.className = 'live ' + name; } }
  function watch() {
    if (events || document.hidden) { return; }
    events = new EventSource('/events');
    events.addEventListener('change', refresh);
    events.onopen = function () { say('live', 'on'); };
    events.onerror = function () { say('not connected', 'off'); };
  }
  function leave() {
    if (events) { events.close(); }
    events = null;
  }
  if (document.body.hasAttribute('data-live') && window.EventSource) {
    watch();
    window.addEventListener('pagehide', leave);
    window.addEventListener('pageshow', function (event) { watch(); if (event.persisted) { refresh(); } });
    document.addEventListener('visibilitychange', function () {
      if (document.hidden) { leave(); return; }
      watch();
      refresh();
    });
    document.addEventListener('focusout', function () { if (stale) { setTimeout(refresh, 200); } });
  }

  function filters() {
    Array.prototype.forEach.call(document.querySelectorAll('input[data-filters]'), function (input) {
      var table = document.getElementById(input.getAttribute('data-filters'));
      if (!table || input.hasAttribute('data-bound')) { return; }
      input.setAttribute('data-bound', '');
      input.closest('[hidden]') && (input.closest('[hidden]').hidden = false);
      input.addEventListener('input', function () {
        var wanted = input.value.toLowerCase();
        Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
          row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0;
        });
      });
    });
  }
  filters();
})();
