
=head1 NAME

WorkflowEngine::Refusals - every way a provider says no, and what follows

=head1 SYNOPSIS

  use WorkflowEngine::Refusals;
  my %step = refusal_steps($node, $http);      # label => step
  my %got = run_steps($node, %step);
  foreach my $case (refusals())
  {
      like($got{ $case->{label} }{error}, $case->{error}, $case->{label});
  }

=cut

package WorkflowEngine::Refusals;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use WorkflowEngine::Outbound;

our @EXPORT = qw(refusals refusal_steps);

=head2 refusals()

A list of hashes:

  label        its name
  kind         of the connection; '' is action webhook without one
  path         what the receiver is asked for (t/loopback/http_receiver.py)
  error        the error's pattern
  class        transient: tried again; maybe_delivered: tried again only if the
               step sets "retry"; permanent: never tried again
  retry_after  seconds, where the answer asks for them

A maybe_delivered error begins with "delivery unknown: ", and one that is
permanent may.

=cut

my @table = (
	# WhatsApp: the code stands above the status.
	[ 'wa_4', 'whatsapp_cloud', '/whatsapp-error-at/400/4', 'transient' ],
	[ 'wa_80007', 'whatsapp_cloud', '/whatsapp-error-at/400/80007', 'transient' ],
	[ 'wa_130429', 'whatsapp_cloud', '/whatsapp-error-at/400/130429', 'transient' ],
	[ 'wa_131016', 'whatsapp_cloud', '/whatsapp-error-at/500/131016', 'transient' ],
	[ 'wa_131048', 'whatsapp_cloud', '/whatsapp-error-at/400/131048', 'transient' ],
	[ 'wa_131056', 'whatsapp_cloud', '/whatsapp-error-at/400/131056', 'transient' ],
	[ 'wa_131057', 'whatsapp_cloud', '/whatsapp-error-at/500/131057', 'transient' ],
	[ 'wa_133004', 'whatsapp_cloud', '/whatsapp-error-at/503/133004', 'transient' ],
	[ 'wa_2', 'whatsapp_cloud', '/whatsapp-error-at/503/2', 'transient' ],
	(
		map { [ "wa_$_", 'whatsapp_cloud', "/whatsapp-error-at/400/$_", 'permanent' ] }
		  qw(100 131008 131009 131026 131047 131049 131051 132000 132001 132012 132015
		  133010)
	),
	[ 'wa_190', 'whatsapp_cloud', '/whatsapp-error-at/401/190', 'permanent',
		qr/^WhatsApp error 190: \(#190\) Loopback error: loopback details of 190 \(subcode 463, HTTP 401\)$/ ],
	[ 'wa_10', 'whatsapp_cloud', '/whatsapp-error-at/403/10', 'permanent' ],
	[ 'wa_131026_503', 'whatsapp_cloud', '/whatsapp-error-at/503/131026', 'permanent' ],
	[ 'wa_100_500', 'whatsapp_cloud', '/whatsapp-error-at/500/100', 'permanent' ],
	[ 'wa_132000_429', 'whatsapp_cloud', '/whatsapp-error-at/429/132000', 'permanent' ],
	[ 'wa_131000', 'whatsapp_cloud', '/whatsapp-error-at/500/131000', 'maybe_delivered' ],
	[ 'wa_131000_503', 'whatsapp_cloud', '/whatsapp-error-at/503/131000', 'transient' ],
	[ 'wa_unknown', 'whatsapp_cloud', '/whatsapp-error-at/400/999999', 'permanent' ],

	# Slack: its word stands above the status.
	[ 'slack_channel', 'slack', '/slack-error/channel_not_found', 'permanent',
		qr/^Slack: channel_not_found$/ ],
	[ 'slack_auth', 'slack', '/slack-error/invalid_auth', 'permanent', qr/^Slack: invalid_auth$/ ],
	[ 'slack_scope', 'slack', '/slack-error/missing_scope', 'permanent',
		qr/^Slack: missing_scope \(needed: chat:write; provided: identify,bot\)$/ ],
	[ 'slack_arguments', 'slack', '/slack-error/invalid_arguments', 'permanent',
		qr/^Slack: invalid_arguments: \[ERROR\] must provide a string/ ],
	[ 'slack_fatal', 'slack', '/slack-error-at/500/fatal_error', 'permanent',
		qr/^Slack: fatal_error \(HTTP 500\)$/ ],
	[ 'slack_503', 'slack', '/slack-error-at/503/service_unavailable', 'permanent',
		qr/^Slack: service_unavailable \(HTTP 503\)$/ ],
	[ 'slack_ratelimited', 'slack', '/slack-error/ratelimited', 'transient',
		qr/^Slack: ratelimited \(HTTP 429\)$/, 30 ],
	[ 'slack_rate_limited', 'slack', '/slack-error/rate_limited', 'transient',
		qr/^Slack: rate_limited$/, 30 ],
	[ 'slack_no_json', 'slack', '/bytes/20', 'permanent',
		qr/^delivery unknown: no timestamp in HTTP 200: x+$/ ],

	# Slack's incoming webhooks.
	(
		map {
			[
				"hook_$_->[0]", 'slack_webhook',
				"/slack-hook-error/$_->[0]", $_->[2],
				qr/^\QSlack: $_->[0] (HTTP $_->[1])\E$/ ]
		} [ 'invalid_payload', 400, 'permanent' ],
		[ 'no_text', 400, 'permanent' ],
		[ 'action_prohibited', 403, 'permanent' ],
		[ 'invalid_token', 403, 'permanent' ],
		[ 'no_service', 404, 'permanent' ],
		[ 'channel_not_found', 404, 'permanent' ],
		[ 'channel_is_archived', 410, 'permanent' ]),
	[ 'hook_rate_limited', 'slack_webhook', '/slack-hook-error/rate_limited', 'transient',
		qr/^Slack: rate_limited \(HTTP 429\)$/, 30 ],
	[ 'hook_rollup', 'slack_webhook', '/slack-hook-error/rollup_error', 'maybe_delivered',
		qr/^delivery unknown: Slack: rollup_error \(HTTP 500\)$/ ],
	[ 'hook_no_ok', 'slack_webhook', '/bytes/20', 'permanent',
		qr/^delivery unknown: no "ok" in HTTP 200: x+$/ ],
	[ 'hook_json', 'slack_webhook', '/slack-error/invalid_blocks', 'permanent',
		qr/^Slack: invalid_blocks$/ ],

	# Teams.
	[ 'teams_disabled', 'teams_webhook', '/teams-error/400/WorkflowTriggerIsNotEnabled', 'permanent',
		qr/^Teams: WorkflowTriggerIsNotEnabled: Loopback: WorkflowTriggerIsNotEnabled\. \(HTTP 400\)$/ ],
	[ 'teams_signature', 'teams_webhook', '/teams-error/401/DirectApiAuthorizationRequired', 'permanent',
		qr/^Teams: DirectApiAuthorizationRequired: .*\(HTTP 401\)$/ ],
	[ 'teams_gone', 'teams_webhook', '/teams-error/404/WorkflowNotFound', 'permanent',
		qr/^Teams: WorkflowNotFound: .*\(HTTP 404\)$/ ],
	[ 'teams_429', 'teams_webhook', '/teams-error/429/TooManyRequests', 'transient',
		qr/^Teams: TooManyRequests: .*\(HTTP 429\)$/, 17 ],
	[ 'teams_502', 'teams_webhook', '/teams-error/502/NoResponse', 'transient',
		qr/^Teams: NoResponse: .*\(HTTP 502\)$/ ],
	[ 'teams_500', 'teams_webhook', '/teams-error/500/InternalServerError', 'maybe_delivered',
		qr/^delivery unknown: Teams: InternalServerError: .*\(HTTP 500\)$/ ],
	[ 'teams_200', 'teams_webhook', '/teams-error/200/ActionFailed', 'permanent',
		qr/^Teams: ActionFailed: .*\(HTTP 200\)$/ ],
	[ 'teams_connector_429', 'teams_webhook', '/teams-connector/429', 'transient',
		qr/^HTTP 200: Webhook message delivery failed with error: .* HTTP error 429 / ],
	[ 'teams_connector_413', 'teams_webhook', '/teams-connector/413', 'permanent',
		qr/^HTTP 200: Webhook message delivery failed with error: .* HTTP error 413 / ],

	# What is the same for all.
	(
		map {
			my ($name, $kind) = @$_;
			(
				(
					map {
						[
							"${name}_http_$_", $kind,
							"/status/$_", 'transient',
							qr/^HTTP $_: / ]
					} 408, 425, 429, 502, 503, 504
				),
				(
					map {
						[
							"${name}_http_$_", $kind,
							"/status/$_", 'permanent',
							qr/^HTTP $_: / ]
					} 400, 401, 403, 404, 410, 413, 501
				),
				[
					"${name}_http_500", $kind,
					'/status/500', $kind ? 'maybe_delivered' : 'transient',
					$kind ? qr/^delivery unknown: HTTP 500: / : qr/^HTTP 500: / ],
				[
					"${name}_retry_after", $kind,
					'/retry-after/7/status/503', 'transient', qr/^HTTP 503: /, 7 ],
				(
					map {
						[
							"${name}_$_", $kind,
							"/$_", $kind ? 'maybe_delivered' : 'transient',
							qr/^delivery unknown: \w/ ]
					} qw(close reset half garbage)
				),
				[
					"${name}_too_large", $kind,
					'/endless-body', 'permanent',
					$kind
					? qr/^delivery unknown: the response is over 1048576 bytes \(workflow_engine\.max_response_size\)$/
					: qr/^the response is over 1048576 bytes \(workflow_engine\.max_response_size\)$/
				],
				[
					"${name}_endless_headers", $kind,
					'/endless-headers', 'permanent',
					$kind ? qr/^delivery unknown: the response headers are over/
					: qr/^the response headers are over/ ],
				[
					"${name}_redirect", $kind,
					'/redirect', 'permanent',
					$kind ? qr/^HTTP 307/ : qr/^more than 3 redirects$/ ])
		} [ webhook => '' ],
		[ wa => 'whatsapp_cloud' ],
		[ slack => 'slack' ],
		[ hook => 'slack_webhook' ],
		[ teams => 'teams_webhook' ]));

sub refusals
{
	return map {
		my ($label, $kind, $path, $class, $error, $retry_after) = @$_;
		my ($status, $code) = $path =~ m{^/whatsapp-error-at/(\d+)/(\d+)$};
		{
			label => $label,
			kind => $kind,
			path => $path,
			class => $class,
			retry_after => $retry_after,
			error => $error || (
				$class eq 'maybe_delivered'
				? qr/^delivery unknown: WhatsApp error $code: .*HTTP $status\)$/
				: qr/^WhatsApp error $code: .*HTTP $status\)$/)
		}
	} @table;
}

=head2 refusal_steps(node, http, option => value ...)

Inserts the connections and returns label => step for run_steps; the options
go into each step (retry, timeout).

=cut

sub refusal_steps
{
	my ($node, $http, %option) = @_;
	my %credential = (
		whatsapp_cloud => { access_token => 'token-of-refusals' },
		slack => { bot_token => 'token-of-refusals' });
	my @steps;

	foreach my $case (refusals())
	{
		my ($name, $kind) = ("refusal_$case->{label}", $case->{kind});
		my $url = $http->url($case->{path});

		connection(
			$node,
			name => $name,
			kind => $kind,
			config => $kind =~ /_webhook/
			? { url => "$url/T0/B0/secretPart" }    # as such addresses end
			: {
				base_url => $url,
				($kind eq 'slack' ? () : (phone_number_id => '1')) },
			credentials => $credential{$kind} || {}) if $kind;

		# of its own, so that no other one waits if this is asked to wait
		connection($node, name => $name, kind => 'http',
			config => { base_url => $http->url('/') }) if !$kind;
		push @steps, $case->{label} => {
			%option,
			!$kind
			? (
				action => 'webhook',
				params => { url => $url, connection => $name })
			: $kind eq 'whatsapp_cloud' ? (
				action => 'whatsapp_notify',
				params => {
					phone => '+96170123456',
					template => 'hello',
					connection => $name
				})
			: (
				action => 'team_notify',
				params =>
				  { channel => 'ops', message => 'hi', connection => $name }) };
	}
	return @steps;
}

1;
