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
        var focus = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id : '';
        main.replaceChildren.apply(main, Array.prototype.slice.call(next.childNodes));
        document.title = fresh.title;
        var details = main.querySelectorAll('details');
        if (details.length === states.length) {
          states.forEach(function (open, at) { details[at].open = open; });
        }
        if (focus && document.getElementById(focus)) { document.getElementById(focus).focus(); }
        filters();
      })
      .catch(function () { stale = true; })
      .then(function () { pending = false; });
  }

  var stale = false;
  if (document.body.hasAttribute('data-live') && window.EventSource) {
    var events = new EventSource('/events');
    events.addEventListener('change', refresh);
    var mark = document.getElementById('live');
    events.onopen = function () { if (mark) { mark.textContent = 'live'; mark.className = 'live on'; } };
    events.onerror = function () { if (mark) { mark.textContent = 'not connected'; mark.className = 'live off'; } };
    document.addEventListener('visibilitychange', function () { if (!document.hidden && stale) { refresh(); } });
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
