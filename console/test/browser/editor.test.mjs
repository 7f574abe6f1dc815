// Workflows: what one does, its versions, and changing it, by one person and by two at
// once.

import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {before, test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {PASSWORD, like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';
const LANGUAGES = [['en', 1280], ['ar', 390]];

const message = (name, text, more = '') => `{"name": "${name}", "trigger_type": "new_order", ${more}
	"steps": [
	{"name": "thank", "action": "webhook", "condition": {"field": "trigger.total", "op": "gt", "value": 300.50},
	 "params": {"connection": "shop", "path": "/messages", "merge_payload": false,
		"body": {"to": "{{ trigger.customer.phone }}", "text": "${text}"}}},
	{"name": "tell", "action": "team_notify", "on_error": "continue",
	 "params": {"channel": "#orders", "message": "${text}"}}]}`;

before(() => sql(`INSERT INTO workflow_connections (tenant_id, name, kind, config)
	VALUES (NULL, 'team', 'slack_webhook', '{"url": "https://hooks.example.com/x"}') ON CONFLICT DO NOTHING`));

// A workflow of its own for each test, with the versions given.
function workflow(name, ...definitions) {
	let version = null;
	let id = null;

	for (const definition of definitions) {
		id = sql(`SELECT id FROM wf_save(${id ? `'${id}'` : 'NULL'}, '${BEIRUT}', $d$${definition}$d$, 'shop_steps', ${version ?? 'NULL'}, 'as v${(version ?? 0) + 1}')`);
		version = (version ?? 0) + 1;
	}
	return id;
}

const saved = id => sql(`SELECT version || ' ' || definition FROM workflow_definitions WHERE id = '${id}'`);

for (const [language, width] of LANGUAGES) {
	story('reads what a workflow does, and puts a version back', {language, width}, async person => {
		const name = `Back ${language}`;
		const id = workflow(name, message(name, 'Thank you'), message(name, 'Tahnk you'));

		await person.signIn();
		await person.open('/workflows');
		await person.page.getByRole('link', {name}).click();
		await person.page.locator('.step').nth(1).waitFor();
		await person.sees('trigger.total');
		await person.sees(person.say('op.gt'));
		await person.sees('300.50');
		await person.sees('as v2');
		await person.fits('a workflow');
		await person.accessible('a workflow');
		await person.press('version.compare.button');
		await person.dialog().getByText('Tahnk you').first().waitFor();
		await person.accessible('what changed');
		await person.page.keyboard.press('Escape');
		await person.press('version.put_back.open');
		await person.dialog().getByText('Tahnk you').first().waitFor();
		await person.accessible('putting back');
		await person.press('version.put_back.button', {version: 'v3'});
		await person.sees(person.say('editor.saved', {version: 'v3'}));
		await person.dialog().waitFor({state: 'detached'});
		await person.page.locator('tbody tr').nth(2).waitFor();
		assert.match(saved(id), /^3 .*300\.50.*Thank you/);
		assert.equal(sql(`SELECT run_as || ' ' || note FROM workflow_definition_versions WHERE definition_id = '${id}' AND version = 3`),
			`shop_steps ${person.say('version.put_back.note', {version: 'v1'})}`);
	});

	story('is told who has saved before putting back', {language, width, allow: [/status of 409/]}, async person => {
		const name = `Late ${language}`;
		const id = workflow(name, message(name, 'one'), message(name, 'two'));

		await person.signIn();
		await person.open(`/workflows/${id}`);
		await person.press('version.put_back.open');
		await person.dialog().getByText('two').first().waitFor();
		sql(`SELECT wf_save('${id}', NULL, $d$${message(name, 'three')}$d$, NULL, 2, 'Eid')`);
		await person.press('version.put_back.button', {version: 'v3'});
		await person.dialog().getByText('Eid').waitFor();
		await person.sees(person.say('error.changed'));
		assert.match(saved(id), /^3 .*three/);
	});
}

for (const [language, width] of LANGUAGES) {
	story('changes the text of a message, sees the problem at its field, tries it, saves it, puts the old one back',
		{language, width}, async person => {
			const name = `Change ${language}`;
			const id = workflow(name, message(name, 'Thank you'));
			const {page} = person;

			await person.signIn();
			await person.open(`/workflows/${id}`);
			await person.press('editor.edit');
			await person.sees(person.say('editor.valid'));
			await person.fits('the editor');
			await person.accessible('the editor');
			await page.locator('#f-steps\\[1\\]').click();

			const field = page.locator('[id="f-steps[1].params.message"]');

			// a mistake is said at its field, and in the list that goes there
			await field.fill('Order {{ triger.order_id }} is paid');
			await page.locator('.field', {has: field}).locator('.field-problem.error').waitFor();
			assert.equal(await field.getAttribute('aria-invalid'), 'true');
			assert.equal(await person.button('editor.save', {version: 'v2'}).getAttribute('aria-disabled'), 'true');
			await person.accessible('a problem');
			await page.locator('.checked li button').click();
			await page.waitForFunction(() => document.activeElement.id === 'f-steps[1].params.message');
			await page.locator('.field', {has: field}).getByRole('button', {name: like(person.say('problem.fix', {word: 'trigger'}))}).click();
			assert.equal(await field.inputValue(), 'Order {{ trigger.order_id }} is paid');
			await page.waitForFunction(() => document.activeElement.id === 'f-steps[1].params.message');
			await page.locator('.checked.bad').waitFor({state: 'detached'});

			// what it would do with an event that was
			await page.locator('.field', {has: field}).locator('.field-sample', {hasText: /Order 12\d+ is paid/}).waitFor();
			if (width < 500)
				await person.press('editor.sample');
			await page.locator('.would', {hasText: 'thank'}).waitFor();
			await page.locator('.would', {hasText: 'tell'}).waitFor();
			await person.sees(person.say('sample.nothing_sent'));
			await person.accessible('the sample');
			await person.fits('the sample');
			if (width < 500)
				await person.press('editor.form');

			await person.press('editor.save', {version: 'v2'});
			await person.dialog().getByText('is paid').waitFor();
			await person.accessible('saving');
			await person.fits('saving');
			await person.field('editor.note').fill('the number is missed');
			await page.keyboard.press('Enter');
			await person.sees(person.say('editor.saved', {version: 'v2'}));
			await page.locator('tbody tr').nth(1).waitFor();
			assert.match(saved(id), /^2 .*300\.50.*Order \{\{ trigger.order_id \}\} is paid/);
			assert.equal(sql(`SELECT note || ' ' || created_by || ' ' || run_as FROM workflow_definition_versions WHERE definition_id = '${id}' AND version = 2`),
				'the number is missed ops shop_steps');
			assert.equal(await page.evaluate(() => Object.keys(sessionStorage).filter(key => key.startsWith('wf-draft')).length), 0);

			await person.press('version.put_back.open');
			await person.press('version.put_back.button', {version: 'v3'});
			await person.dialog().waitFor({state: 'detached'});
			assert.equal(saved(id).replace('3 ', ''), sql(`SELECT definition FROM workflow_definition_versions WHERE definition_id = '${id}' AND version = 1`));
		});
}

story('edits in both views; nothing is lost and all can be undone', {}, async person => {
	const odd = '"odd": {"price": 19.90, "id": 12345678901234567890},';
	const id = workflow('Views', message('Views', 'Thank you'));
	const {page} = person;
	const code = page.locator('#code');

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await person.press('editor.json');
	assert.match(await code.inputValue(), /^\{\n {2}"name": "Views",\n {2}"trigger_type": "new_order",\n {2}"steps": \[/);
	assert.match(await code.inputValue(), /300\.50/);
	// a key that the form does not know is shown as it is, and a number keeps its spelling
	await code.fill((await code.inputValue()).replace('"trigger_type"', `${odd} "trigger_type"`));
	await person.press('editor.form');
	assert.match(await page.locator('[id="f-odd"]').inputValue(), /19\.90,\s+"id": 12345678901234567890/);
	await page.locator('.field', {has: page.locator('[id="f-odd"]')}).locator('.field-problem').waitFor();
	await page.locator('[id="f-name"]').fill('Views of it');
	await person.press('editor.json');
	assert.match(await code.inputValue(), /"name": "Views of it"[^]*19\.90,\s+"id": 12345678901234567890/);
	// what cannot be read is kept, and the form waits
	await code.fill((await code.inputValue()).replace('"odd":', '"odd"'));
	await page.locator('#checked .problem').waitFor();
	await person.press('editor.form');
	assert.equal(await page.locator('fieldset.form').evaluate(one => one.disabled), true);
	await person.accessible('a form that waits');
	await person.press('editor.json');
	assert.match(await code.inputValue(), /"odd" \{/);
	await person.accessible('the JSON');
	await person.press('editor.undo');
	assert.match(await code.inputValue(), /"odd": \{/);
	await person.press('editor.undo');
	await person.press('editor.undo');
	assert.doesNotMatch(await code.inputValue(), /odd/);
	await person.press('editor.redo');
	assert.match(await code.inputValue(), /odd/);
	await page.locator('#code').focus();
	await page.keyboard.press('Control+z');
	assert.doesNotMatch(await code.inputValue(), /odd/);
	assert.equal(await person.button('editor.undo').isDisabled(), true);
});

story('adds, moves and removes steps by keyboard, with conditions and retries', {}, async person => {
	const id = workflow('Keys', message('Keys', 'Thank you'));
	const {page} = person;
	const {keyboard} = page;
	const order = async () => {
		await person.press('editor.json');

		const {steps} = JSON.parse(await page.locator('#code').inputValue());

		await person.press('editor.form');
		return steps;
	};

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-steps[0]"]').focus();
	await keyboard.press('Alt+ArrowDown');
	await page.waitForFunction(() => document.activeElement.id === 'f-steps[1]');
	assert.deepEqual((await order()).map(step => step.name), ['tell', 'thank']);
	await person.button('editor.add_step').focus();
	await keyboard.press('Enter');
	await page.waitForFunction(() => document.activeElement.id === 'f-steps[2].action');
	await page.locator('[id="f-steps[2].action"]').selectOption('webhook');
	await page.locator('[id="f-steps[2].params.url"]').fill('https://example.com/');
	await page.locator('[id="f-steps[2].condition"]').click();
	await page.waitForFunction(() => document.activeElement.id === 'f-steps[2].condition.field');
	await keyboard.press('Control+a');
	await keyboard.type('trigger.total');
	await page.locator('[id="f-steps[2].condition.op"]').selectOption('gte');
	await page.getByLabel(`${person.say('condition.value')}: ${person.say('editor.kind')}`).last().selectOption('number');
	await page.locator('[id="f-steps[2].condition.value"]').fill('20.50');
	await page.locator('.step').nth(2).getByRole('button', {name: person.say('condition.add')}).click();
	await page.locator('[id="f-steps[2].condition.all[1].field"]').fill('trigger.customer.name');
	await page.locator('[id="f-steps[2].condition.all[1].op"]').selectOption('exists');
	await page.locator('.step').nth(2).getByText(person.say('editor.failing')).click();
	await page.locator('[id="f-steps[2].retry.max_attempts"]').fill('5');
	await page.locator('[id="f-steps[2].on_error"]').selectOption('continue');
	await person.accessible('a step with conditions');

	const steps = await order();

	assert.deepEqual(steps[2], {name: 'step_3', action: 'webhook', condition: {all: [{field: 'trigger.total', op: 'gte', value: 20.50},
		{field: 'trigger.customer.name', op: 'exists'}]}, params: {url: 'https://example.com/'}, on_error: 'continue', retry: {max_attempts: 5}});
	await page.locator('[id="f-steps[2]"]').waitFor();
	await page.locator('[id="f-steps[2].retry.max_attempts"]').fill('');
	assert.equal((await order())[2].retry, undefined);
	await page.getByRole('button', {name: like(person.say('editor.remove', {what: 'tell'}))}).click();
	assert.deepEqual((await order()).map(step => step.name), ['thank', 'step_3']);
	// a value of the sample is put in where the cursor stands
	await page.locator('[id="f-title"]').fill('Order ');
	await page.locator('.field', {has: page.locator('[id="f-title"]')}).getByRole('button', {name: person.say('editor.insert')}).click();
	await page.waitForFunction(() => document.activeElement.type === 'search' && document.activeElement.closest('.paths'));
	await keyboard.type('order_id');
	await keyboard.press('Tab');
	await keyboard.press('Enter');
	await page.waitForFunction(() => document.activeElement.id === 'f-title');
	assert.equal(await page.locator('[id="f-title"]').inputValue(), 'Order {{ trigger.order_id }}');
	await person.sees(person.say('editor.valid'));
});

story('two people change one workflow: nothing is overwritten', {allow: [/status of 409/]}, async person => {
	const id = workflow('Two', message('Two', 'Thank you'));
	const {page} = person;

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-steps[1]"]').click();
	await page.locator('[id="f-steps[1].params.message"]').fill('mine');
	await page.locator('[id="f-description"]').fill('my words');
	await person.sees(person.say('editor.valid'));

	const other = await person.context.newPage();

	await other.goto(page.url());
	await other.locator('[id="f-steps[1]"]').click();
	await other.locator('[id="f-steps[1].params.channel"]').fill('#kitchen');
	await other.locator('[id="f-description"]').fill('their words');
	await other.getByText(person.say('editor.valid')).waitFor();
	await other.getByRole('button', {name: like(person.say('editor.save', {version: 'v2'}))}).click();
	await other.getByLabel(person.say('editor.note')).fill('for Eid');
	await other.keyboard.press('Enter');
	await other.locator('tbody tr').nth(1).waitFor();
	await other.close();

	await person.press('editor.save', {version: 'v2'});
	await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v2'}))}).click();
	await person.dialog().getByText('for Eid').waitFor();
	await person.dialog().getByText('#kitchen').first().waitFor();
	await person.accessible('two have saved');
	assert.match(saved(id), /^2 /);
	assert.equal(await person.dialog().getByRole('button', {name: person.say('merge.button')}).isDisabled(), true);
	await person.dialog().getByRole('radio', {name: person.say('conflict.take.mine')}).check();
	await person.press('merge.button');
	await person.dialog().waitFor({state: 'detached'});
	await person.sees(person.say('editor.valid'));
	await person.press('editor.save', {version: 'v3'});
	await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v3'}))}).click();
	await person.sees(person.say('editor.saved', {version: 'v3'}));
	assert.deepEqual(JSON.parse(sql(`SELECT jsonb_build_array(definition->'description', definition->'steps'->1->'params') FROM workflow_definitions WHERE id = '${id}'`)),
		['my words', {channel: '#kitchen', message: 'mine'}]);
});

story('a draft outlives a reload and a session that ends', {allow: [/status of 401/]}, async person => {
	const id = workflow('Draft', message('Draft', 'Thank you'));
	const {page} = person;

	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-description"]').fill('half a th');
	await person.sees(person.say('editor.valid'));
	await page.reload();
	await person.press('draft.take');
	assert.equal(await page.locator('[id="f-description"]').inputValue(), 'half a th');
	sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops'`);
	await page.locator('[id="f-description"]').fill('half a thought');
	await person.sees(person.say('login.again'));
	await signInAgain(person);
	assert.equal(await page.locator('[id="f-description"]').inputValue(), 'half a thought');
	await person.sees(person.say('editor.valid'));
	await person.press('editor.save', {version: 'v2'});
	await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v2'}))}).click();
	await person.sees(person.say('editor.saved', {version: 'v2'}));
	assert.match(saved(id), /half a thought/);

	// signing out leaves nothing
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-description"]').fill('secret plans');
	await page.waitForFunction(() => Object.values(sessionStorage).some(text => text.includes('secret plans')));
	await person.signOut();
	assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

story('hears that somebody else has saved, and goes on from a draft of the version before', {}, async person => {
	const id = workflow('Poll', message('Poll', 'Thank you'));
	const {page} = person;

	await page.clock.install();
	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-description"]').fill('mine');
	await page.waitForFunction(() => Object.values(sessionStorage).some(text => text.includes('mine')));
	sql(`SELECT wf_save('${id}', NULL, $d$${message('Poll', 'Hello')}$d$, NULL, 1, 'Eid')`);
	await page.clock.fastForward(31000);
	await person.sees('Eid');
	await page.reload();
	await person.press('draft.take');
	await page.waitForFunction(() => document.getElementById('f-description').value === 'mine');
	await person.press('merge.open');
	await person.press('merge.button');
	await person.dialog().waitFor({state: 'detached'});
	await page.clock.runFor(2000);
	await person.press('editor.save', {version: 'v3'});
	await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v3'}))}).click();
	await person.sees(person.say('editor.saved', {version: 'v3'}));
	assert.match(saved(id), /^3 .*Hello/);
	assert.match(saved(id), /mine/);
});

story('tries a step in the database, and nothing of it stays', {}, async person => {
	sql(`CREATE TABLE IF NOT EXISTS tried (id int PRIMARY KEY, total numeric); INSERT INTO tried VALUES (1, 5) ON CONFLICT DO NOTHING;
		GRANT SELECT, UPDATE ON tried TO shop_steps`);

	const id = workflow('Tried', `{"name": "Tried", "trigger_type": "tried_now", "steps": [{"name": "raise", "action": "update_record",
		"params": {"table": "tried", "id": 1, "fields": {"total": "{{ trigger.total }}"}}}]}`);
	const {page} = person;
	let answer;
	const clicked = new Promise(done => { answer = done; });

	await page.route('**/api/try', async route => {
		await clicked;
		await route.continue();
	});
	await person.signIn();
	await person.open(`/workflows/${id}/edit`);
	await page.getByLabel(person.say('sample.pasted'), {exact: true}).fill('[1]');
	await person.sees(person.say('event.no_object'));
	await page.getByLabel(person.say('sample.pasted'), {exact: true}).fill('{"total": 19.90}');
	await page.locator('.would', {hasText: person.say('would.would_run')}).waitFor();
	await page.locator('.try button').click();
	await page.locator('.try button').getByText(person.say('busy')).waitFor();
	// a second click says nothing of errors that are not there
	await page.locator('.try button').click({force: true});
	assert.equal(await page.locator('.try button').getAttribute('title'), '');
	assert.equal(await page.locator('.toast.error').count(), 0);
	answer();
	await page.locator('.would', {hasText: person.say('would.completed')}).waitFor();
	await page.locator('.try summary').first().click();
	await page.locator('.try').getByText('19.90').first().waitFor();
	assert.equal(sql('SELECT total FROM tried'), '5');
});

// A second is between two tries of one address.
async function signInAgain(person) {
	for (let i = 0; i < 20 && await person.dialog().count(); i++) {
		await person.dialog().locator('input[name=password]').fill(PASSWORD);
		await person.page.keyboard.press('Enter');
		await person.page.waitForFunction(() => !document.querySelector('dialog') ||
			(document.querySelector('dialog .problem') && !document.querySelector('dialog button[type=submit]').disabled));
	}
}

for (const [language, width] of LANGUAGES) {
	story('is told whose name it is that is taken', {language, width, allow: [/status of 409/]}, async person => {
		const {page} = person;
		const name = `Taken ${language}`;

		workflow(name, message(name, 'Thank you'));
		await person.signIn();
		await person.open(`/workflows/new?empty=1&tenant=${BEIRUT}`);
		await page.locator('[id="f-name"]').waitFor();
		await person.press('editor.json');
		await page.locator('#code').fill(message(name, 'Hello'));
		await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
		await person.press('editor.save_new');

		const save = person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v1'}))});

		await save.click();
		await person.dialog().getByText(person.say('error.exists.definitions')).waitFor();
		// what was pressed has the focus still
		assert.equal(await save.evaluate(element => element === document.activeElement), true);
		await person.fits('a name that is taken');
	});
}

story('makes a new workflow, of an empty form and of a copy', {language: 'ar', width: 390}, async person => {
	const id = workflow('Model', message('Model', 'Thank you'));
	const {page} = person;

	await person.signIn();
	await person.open('/workflows');
	await page.getByRole('link', {name: person.say('workflows.new')}).click();
	await page.getByRole('link', {name: person.say('start.empty.button')}).click();
	await page.locator('select[name=tenant]').nth(0).waitFor();
	await page.locator('main select[name=tenant]').selectOption(BEIRUT);
	await page.locator('[id="f-name"]').fill('جديد');
	await page.locator('[id="f-trigger_type"]').fill('new_order');
	await person.press('editor.add_step');
	await page.locator('[id="f-steps[0].action"]').selectOption('team_notify');
	await page.locator('[id="f-steps[0].params.channel"]').fill('#orders');
	await page.locator('[id="f-steps[0].params.message"]').fill('طلب {{ trigger.order_id }}');
	await page.locator('.checked.bad').waitFor({state: 'detached'});
	await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
	await person.press('editor.save_new');
	await person.accessible('saving a new one');
	// the role that all operators are members of is proposed
	assert.equal(await person.dialog().locator('select').inputValue(), 'shop_steps');
	await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v1'}))}).click();
	await person.sees(person.say('editor.saved', {version: 'v1'}));
	assert.equal(sql(`SELECT run_as || ' ' || is_active FROM workflow_definitions WHERE name = 'جديد'`), 'shop_steps true');
	await person.open(`/workflows/new?copy=${id}`);
	await page.waitForFunction(() => document.getElementById('f-name')?.value === 'Model (2)');
});

story('what somebody may not do is said, and texts of a definition stay texts', {}, async person => {
	const text = '<img src=x onerror=\\"window.hit = 1\\">\u202eevil';
	const id = workflow('<b>Hostile</b>', message('<b>Hostile</b>', text));
	const {page} = person;

	await person.signIn('viewer');
	await person.open(`/workflows/${id}`);
	await page.locator('.step').first().waitFor();
	assert.equal(await person.button('editor.edit').getAttribute('aria-disabled'), 'true');
	await person.open(`/workflows/${id}/edit`);
	await page.locator('[id="f-steps[1]"]').click();
	assert.match(await page.locator('[id="f-steps[1].params.message"]').inputValue(), /<img src=x/);
	assert.equal(await page.locator('.field .mark').first().textContent(), 'U+202E');
	await person.press('editor.json');
	assert.match(await page.locator('#code').inputValue(), /\\u202eevil/);
	await page.locator('.would').first().waitFor();
	assert.equal(await page.locator('main img').count(), 0);
	assert.equal(await page.evaluate(() => window.hit), undefined);
	assert.equal(await person.button('editor.save', {version: 'v2'}).getAttribute('aria-disabled'), 'true');
	assert.match(await person.button('editor.save', {version: 'v2'}).getAttribute('title'), /operate/);
});

test('every code of a problem has Arabic words', async () => {
	const {arabic} = await import('../../web/i18n/ar-problems.js');
	const docs = readFileSync(new URL('../../../docs/definitions.md', import.meta.url), 'utf8');
	const codes = Array.from(docs.slice(docs.indexOf('| code | what is wrong |')).split('\n\n')[0].matchAll(/^\| `(\w+)` \|/gm), ([, code]) => code);

	assert.ok(codes.length > 80);
	assert.deepEqual(codes.filter(code => !arabic[code]), []);
	assert.deepEqual(Object.keys(arabic).filter(code => !codes.includes(code)), []);
});

test('both languages have the same words, with the same values', async () => {
	const [{default: en}, {default: ar}] = await Promise.all(['en', 'ar'].map(name => import(`../../web/i18n/${name}.js`)));
	const values = text => [...new Set(Object.values(typeof text === 'string' ? {text} : text).flatMap(one => one.match(/\{\w+\}/g) ?? []))].sort();

	assert.deepEqual(Object.keys(en).filter(key => !(key in ar)), []);
	assert.deepEqual(Object.keys(ar).filter(key => !(key in en)), []);
	assert.deepEqual(Object.keys(en).filter(key => values(en[key]).join() !== values(ar[key]).join()), []);
	assert.deepEqual(Object.keys(ar).filter(key => typeof ar[key] === 'object' && Object.keys(ar[key]).length !== 6), []);
});

test('every code of an error has words in both languages', async () => {
	const all = (folder, ending) => readdirSync(new URL(folder, import.meta.url)).filter(name => name.endsWith(ending))
		.map(name => readFileSync(new URL(folder + name, import.meta.url), 'utf8')).join('\n');
	const codes = new Set([...all('../../src/', '.c').matchAll(/\b[45]\d\d,\s*(?:\.code = )?"([a-z_]+)"|code = "([a-z_]+)"/g),
		...all('../../sql/', '.sql').matchAll(/'code', '([a-z_]+)'/g)].map(([, one, other]) => one ?? other));

	assert.ok(codes.size > 35 && ['too_large', 'busy', 'exists', 'changed', 'too_much'].every(code => codes.has(code)), [...codes].join());
	for (const language of ['en', 'ar']) {
		const {default: texts} = await import(`../../web/i18n/${language}.js`);

		assert.deepEqual([...codes].filter(code => !(`error.${code}` in texts)), [], language);
	}
});

test('Arabic texts have Arabic punctuation, and lists are joined in the language', async () => {
	const web = new URL('../../web/', import.meta.url);
	const texts = value => typeof value === 'string' ? [value] : Object.values(value).flatMap(texts);
	const [ar, actions, problems, meanings, filters] = await Promise.all(['ar', 'ar-actions', 'ar-problems', 'meanings', 'filters'].map(name => import(`../../web/i18n/${name}.js`)));
	const arabic = [ar.default, actions.parameters, problems.arabic, meanings.meanings.map(([, one]) => one.ar), Object.values(filters.filters).map(one => one.ar)].flatMap(texts);

	assert.ok(arabic.length > 1000, String(arabic.length));
	assert.deepEqual(arabic.filter(text => /[\u0620-\u065f\u2069}][,;?]|["\u201c\u201d]/.test(text)), []);
	for (const name of readdirSync(new URL('js/', web), {recursive: true}).filter(one => one.endsWith('.js')))
		assert.doesNotMatch(readFileSync(new URL('js/' + name, web), 'utf8'), /join\(['"`][,;] |&& '[,;] '/, name);
});

// What a module imports with import(), later.js shows when it is wanted.
function imported(name, web, found = new Set()) {
	if (!found.has(name)) {
		found.add(name);
		for (const [, other] of readFileSync(new URL(name, web), 'utf8').matchAll(/^import [^'(]*'([^']+)';$|^\} from '([^']+)';$/gm))
			imported(new URL(other, new URL(name, 'http://x/')).pathname.slice(1), web, found);
	}
	return found;
}

test('the first screen is at most 90 kB, compressed, and nothing is loaded from elsewhere', () => {
	const web = new URL('../../web/', import.meta.url);
	const first = ['index.html', 'app.css', ...imported('js/main.js', web)];
	const all = readdirSync(web, {recursive: true}).filter(name => /\.(js|css|html)$/.test(name));
	const size = names => gzipSync(Buffer.concat(names.map(name => readFileSync(new URL(name, web))))).length;

	assert.ok(first.includes('js/page/overview.js') && first.includes('vendor/ui.js'));
	assert.ok(!first.includes('js/page/editor.js'));
	assert.ok(size(first) <= 90 * 1024, `it is ${size(first)} bytes`);
	console.log(`# the first screen ${size(first)} bytes, all pages ${size(all)}`);
	for (const name of all)
		assert.doesNotMatch(readFileSync(new URL(name, web), 'utf8'), /(?:from|import\(|src=|href=|url\()\s*['"]?(?:https?:)?\/\//, name);
});
