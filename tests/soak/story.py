"""What happens when: a list of seconds and deeds, drawn from a seed, over the active part of a run."""
import random
import time

OUTAGES = ["refused", "reset", "stall", "500", "503", "404"]
MALFORMED = ["html", "cut", "columns", "rubbish", "huge", "units", "empty", "kilograms"]
HTTP_MOODS = {
    "flaky": ["503", "reset", "lost", "slow", "502", "lost", "500"],
    "down": ["refused", "refused"],
    "busy": ["429", "429", "slow"],
    "bouncing": ["410"],
    "brief": ["refused", "lost"],
    "digest": ["503", "slow"],
    "slack": ["429", "500"], "mattermost": ["503"], "telegram": ["slow"], "ntfy": ["reset"], "matrix": ["lost"],
    "mail": ["slow", "greylist", "busy", "lost", "refused"],
}


class Window:
    """A time in which somebody misbehaves."""

    def __init__(self, begin, end, whom, mood):
        self.begin, self.end, self.whom, self.mood = begin, end, whom, mood

    def overlaps(self, begin, end):
        return self.begin < end and begin < self.end


def spread(drawn, count, begin, end, shortest, longest):
    """So many times, one after the other, each within its part."""
    part = (end - begin) / max(count, 1)
    for index in range(count):
        length = min(drawn.uniform(shortest, longest), part * 0.7)
        at = begin + index * part + drawn.uniform(0, part - length)
        yield at, at + length


def windows(drawn, seconds, feeds, receivers):
    """When which feed and which receiver misbehaves, in seconds of the run."""
    kinds = OUTAGES + MALFORMED
    rounds = max(1, round(seconds / 800))
    kinds = [kind for _ in range(rounds) for kind in drawn.sample(kinds, len(kinds))]
    # Each feed by turns; units in the one whose rows have them.
    whose = {feed: [] for feed in feeds if feed != "late"}
    names = list(whose)
    for index, kind in enumerate(kinds):
        whose["us-imports" if kind in ("units", "kilograms") else names[index % len(names)]].append(kind)
    found = []
    for feed, moods in whose.items():
        for mood, (begin, end) in zip(moods, spread(drawn, len(moods), 0.06 * seconds, 0.94 * seconds, 7, 20)):
            found.append(Window(begin, end, feed, mood))
    if seconds > 600:
        # Long enough that somebody is told of it.
        found.append(Window(0.55 * seconds, 0.55 * seconds + 150, "late", "500"))
    for name in receivers:
        moods = HTTP_MOODS.get(name, []) * rounds
        longest = 0.08 * seconds if name in ("down", "brief") else 0.05 * seconds
        times = spread(drawn, len(moods), 0.05 * seconds, 0.92 * seconds, longest / 2, min(longest, 75))
        found += [Window(begin, end, name, mood) for mood, (begin, end) in zip(moods, times)]
    return found


class Story:
    """Plays the deeds of a run in their order."""

    def __init__(self, seed):
        self.drawn, self.deeds, self.begun = random.Random(seed), [], None

    def at(self, second, what, deed):
        self.deeds.append((second, len(self.deeds), what, deed))

    def during(self, window, door, after=lambda: None):
        self.at(window.begin, None, lambda: door.become(window.mood))

        def end():
            door.become("ok")
            after()
        self.at(window.end, None, end)

    def play(self, checked):
        """Until the end; meanwhile it is looked whether all is as it may be."""
        self.begun = time.time()
        for second, _, what, deed in sorted(self.deeds, key=lambda deed: deed[:2]):
            while (wait := self.begun + second - time.time()) > 0:
                time.sleep(min(wait, 0.5))
                checked()
            deed()
            if what:
                print(f"{time.time() - self.begun:6.1f} s  {what}", flush=True)
