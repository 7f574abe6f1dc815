/*
 * team_message.h
 *	  The bodies of team_notify's requests, and what they may be made of.
 */
#ifndef WF_TEAM_MESSAGE_H
#define WF_TEAM_MESSAGE_H

#include "action/step_check.h"

/* The connection of a step that names none. */
#define TEAM_CONNECTION "team"

/* Is it a kind of connection for Slack? */
extern bool team_is_slack(const char *kind);

/*
 * Raises 22023 if the call has a parameter that its connection's kind does not
 * take.
 */
extern void team_require_params(const Call *call);

/*
 * {"text", ...} with the call's blocks and thread_ts, and with the channel if
 * it is given.  Raises 22023 and 54000 for what Slack would refuse.
 */
extern char *team_slack_body(const Call *call, const char *channel,
							 const char *text);

/*
 * A message with one Adaptive Card: the call's card, or one that shows the
 * text.  Raises 22023 for what is no card, and 54000 if the message is larger
 * than Teams takes.
 */
extern char *team_card_body(const Call *call, const char *text);

/* Compares the step's parameters with the kind of its connection. */
extern void team_check(const StepCheck *step);

#endif							/* WF_TEAM_MESSAGE_H */
