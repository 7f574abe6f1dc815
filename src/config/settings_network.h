/*
 * settings_network.h
 *	  The settings of the servers that requests may go to.
 */
#ifndef WF_SETTINGS_NETWORK_H
#define WF_SETTINGS_NETWORK_H

#include "config/address_list.h"

extern char *wf_http_proxy;		/* URL of the proxy; "" for none */

/* Defines the settings of this file; a part of settings_define(). */
extern void settings_define_network(void);

/*
 * workflow_engine.allowed_hosts, parsed; NULL before the settings are
 * defined.  It is the server's memory and valid until the next reload.
 */
extern const AddressList *settings_allowed_hosts(void);

#endif							/* WF_SETTINGS_NETWORK_H */
