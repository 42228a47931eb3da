// Cards and embeds against the libraries of those who show them.
const { readFileSync } = require('node:fs');
// The package's main file is of no use to node.
const ac = require('adaptivecards/dist/adaptivecards.js');
const { EmbedBuilder } = require('@discordjs/builders');

const text = readFileSync(process.argv[2], 'utf8');
const sent = (name) =>
  [...text.matchAll(/^── would send to (\S+) .*\n[\s\S]*?\n\n(?:payload_json = )?(\{\n[\s\S]*?\n\})$/gm)]
    .filter((found) => found[1] === name)
    .map((found) => JSON.parse(found[2]));

function card(content) {
  const context = new ac.SerializationContext(ac.Versions.v1_5);
  const card = new ac.AdaptiveCard();
  card.parse(content, context);
  const events = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
  return [...events, ...card.validateProperties().validationEvents.map((event) => event.message)];
}

function embed(content) {
  try {
    new EmbedBuilder(content).setTitle(content.title).setDescription(content.description).setColor(content.color)
      .setFields(...content.fields).setFooter(content.footer).setTimestamp(new Date(content.timestamp)).toJSON();
    return [];
  } catch (error) {
    return [String(error)];
  }
}

const told = {
  teams: sent('teams').map((body) => card(body.attachments[0].content)),
  discord: sent('discord').map((body) => embed(body.embeds[0])),
};
for (const [name, found] of Object.entries(told)) {
  console.log(`${name}: ${found.length} messages, ${found.flat().length} complaints`);
  found.flat().forEach((complaint) => console.log(`  ${complaint}`));
}
process.exit(Object.values(told).every((found) => found.length === 2 && found.flat().length === 0) ? 0 : 1);
