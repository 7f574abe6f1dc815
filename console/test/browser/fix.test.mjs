// From the failed step of a run to its step in the editor, and back to the run, which
// goes on with what was saved.

import assert from 'node:assert/strict';
import {becomes, like, sql, story} from './browser.mjs';

const BEIRUT = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01';

for (const [language, width, theme] of [['en', 1280, 'light'], ['ar', 390, 'dark']]) {
	story('mends the step that failed, with the event of its run, and retries on what was saved', {language, width, theme}, async person => {
		const name = `Mend ${language}`;
		const id = sql(`SELECT id FROM wf_save(NULL, '${BEIRUT}', $d${'$'}{"name": "${name}", "trigger_type": "mend_${language}", "steps": [
			{"name": "before", "action": "webhook", "params": {"connection": "shop", "path": "/x"}},
			{"name": "say", "action": "webhook", "params": {"connection": "shop", "path": "/y", "body": {"text": "{{ trigger.custmer }}"}}}]}$d${'$'}, 'shop_steps', NULL, NULL)`);
		const run = sql(`SELECT wf_fire('${BEIRUT}', 'mend_${language}', '{"customer": "Rana", "n": 1}')`);

		await becomes(`SELECT status FROM workflow_runs WHERE id = '${run}'`, 'failed');
		// a newer event is not the sample
		const newer = sql(`SELECT wf_fire('${BEIRUT}', 'mend_${language}', '{"customer": "Sami", "n": 2}')`);


		const {page} = person;

		await person.signIn();
		await person.open(`/runs/${run}`);
		await person.press('fix');
		await page.waitForFunction(() => document.activeElement.id === 'f-steps[1]');

		const field = page.locator('[id="f-steps[1].params.body.text"]');

		assert.equal(await field.inputValue(), '{{ trigger.custmer }}');
		await field.fill('{{ trigger.customer }}');
		await page.locator('.field-sample', {hasText: 'Rana'}).or(page.locator('.would')).first().waitFor({state: 'attached'});
		if (width < 500)
			await person.press('editor.sample');
		await page.locator('.sample option:checked', {hasText: like(person.say('sample.of_run', {head: '1, Rana'}))}).waitFor({state: 'attached'});
		await page.locator('.would', {hasText: 'say'}).locator('summary').first().click();
		await page.locator('.would', {hasText: 'say'}).getByText('Rana').first().waitFor();
		await person.accessible('the sample is that of the run');
		await page.waitForFunction(() => !document.querySelector('.editor-bar button.main').hasAttribute('aria-disabled'));
		await person.press('editor.save', {version: 'v2'});
		await person.dialog().getByRole('button', {name: like(person.say('save.button', {version: 'v2'}))}).click();

		// the run again, and the offer
		const go = person.dialog().getByRole('button', {name: like(person.say('retry.on', {version: 'v2'}))});

		await go.waitFor();
		assert.match(page.url(), new RegExp(`/runs/${run}\\?retry=current`));
		await person.accessible('the offer');
		await person.fits('the offer');
		// its own version is a choice as well
		await person.dialog().getByRole('radio').first().check();
		await person.dialog().getByRole('button', {name: like(person.say('retry.on', {version: 'v1'}))}).waitFor();
		await person.dialog().getByRole('radio').last().check();
		await go.click();
		await person.dialog().waitFor({state: 'detached'});
		// (its first step has completed before)
		await page.locator('.run-head .s-completed').waitFor();
		assert.equal(sql(`SELECT definition_version || ' ' || (step_results->1->'input'->'body'->>'text') FROM workflow_runs WHERE id = '${run}'`), '2 Rana');
		assert.doesNotMatch(page.url(), /retry/);
		// no failure is left to other tests
		await becomes(`SELECT status FROM workflow_runs WHERE id = '${newer}'`, 'failed');
		sql(`SELECT wf_retry('${newer}', on_version => 'current')`);
		await becomes(`SELECT status FROM workflow_runs WHERE id = '${newer}'`, 'completed');
	});
}

story('says that the step is gone, and to whom it does not belong to mend', {}, async person => {
	const [run, id] = sql(`SELECT r.id || ' ' || r.definition_id FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
		WHERE d.name = 'Bill' AND r.status = 'failed' LIMIT 1`).split(' ');

	await person.signIn();
	await person.open(`/workflows/${id}/edit?step=left&run=${run}`);
	await person.sees(person.say('editor.step_gone', {step: 'left'}));
	await person.signOut();
	await person.signIn('viewer');
	await person.open(`/runs/${run}`);
	await person.button('fix').waitFor();
	assert.equal(await person.button('fix').getAttribute('aria-disabled'), 'true');
	assert.match(await person.button('fix').getAttribute('title'), /operate/);
});
