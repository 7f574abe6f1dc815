// What the errors of steps mean and what to do, by what the error says: the codes are
// those of docs/actions.md.  The first pattern that an error has is taken.  Loaded with
// the pages that show errors.

export const meanings = [
	[/^delivery unknown/, {
		en: 'It may have arrived. If you try again, it may be sent twice.',
		ar: 'ربما وصلت. إن أعدت المحاولة فقد تُرسل مرتين.'}],
	[/^its worker ended before the attempt did/, {
		en: 'The worker that made this attempt has ended. A message may have arrived: tried again, it may be sent twice. Changes of the database were undone.',
		ar: 'انتهى العامل الذي أجرى هذه المحاولة. ربما وصلت الرسالة، وقد تُرسل مرتين عند إعادة المحاولة. أما تغييرات قاعدة البيانات فقد أُلغيت.'}],
	[/^its worker ended abnormally/, {
		en: 'The worker crashed while it did this step. Changes of the database were undone; a message may have arrived, and may be sent twice. If it happens again, those who look after the server need its log.',
		ar: 'تعطّل العامل أثناء تنفيذ هذه الخطوة. أُلغيت تغييرات قاعدة البيانات، لكن ربما وصلت الرسالة، وقد تُرسل مرتين. إن تكرر ذلك فسيحتاج القائمون على الخادم إلى سجلّه.'}],
	[/so its worker was ended$/, {
		en: 'The step did not stop at its time limit, so its worker was ended. Changes of the database were undone. The function that it calls has to be mended.',
		ar: 'لم تتوقف الخطوة عند انتهاء مهلتها فأُنهي العامل. أُلغيت تغييرات قاعدة البيانات. يجب إصلاح الدالة التي تستدعيها الخطوة.'}],

	// WhatsApp
	[/WhatsApp error (4|80007|130429|131048|131056)\b/, {
		en: 'The number has sent too much for now. Wait, then retry.',
		ar: 'أرسل الرقم أكثر مما يُسمح به الآن. انتظر ثم أعد المحاولة.'}],
	[/WhatsApp error (2|131016|131057|133004)\b/, {
		en: 'WhatsApp is overloaded or in maintenance. Retry later.',
		ar: 'خدمة واتساب تحت ضغط كبير أو قيد الصيانة. أعد المحاولة لاحقًا.'}],
	[/WhatsApp error (100|131008|131009|132000|132012)\b/, {
		en: 'The values do not fit the message template at WhatsApp. Compare its fields with this step.',
		ar: 'القيم لا تناسب قالب الرسالة لدى واتساب. قارن حقوله بهذه الخطوة.'}],
	[/WhatsApp error 132001\b/, {
		en: 'WhatsApp has no template of this name in this language. Correct the name or the language.',
		ar: 'لا يوجد لدى واتساب قالب بهذا الاسم في هذه اللغة. صحّح الاسم أو اللغة.'}],
	[/WhatsApp error 132015\b/, {
		en: 'WhatsApp has paused the template because too many people complained. Change its text there, or wait.',
		ar: 'أوقف واتساب القالب مؤقتًا لكثرة الشكاوى. غيّر نصه هناك أو انتظر.'}],
	[/WhatsApp error 132016\b/, {
		en: 'WhatsApp has disabled the template for good. Take another one.',
		ar: 'عطّل واتساب القالب نهائيًا. استخدم قالبًا آخر.'}],
	[/WhatsApp error 131026\b/, {
		en: 'This phone number has no WhatsApp, or has not accepted its terms.',
		ar: 'رقم الهاتف هذا ليس على واتساب، أو لم يقبل صاحبه الشروط.'}],
	[/WhatsApp error 131030\b/, {
		en: 'This is a test account, and the phone number is not on its list of recipients.',
		ar: 'هذا حساب تجريبي، ورقم الهاتف ليس في قائمة المستلمين لديه.'}],
	[/WhatsApp error 131047\b/, {
		en: 'The customer has not written within 24 hours: only a message template may be sent.',
		ar: 'لم يكتب العميل خلال 24 ساعة: لا يُسمح إلا بإرسال قالب رسالة.'}],
	[/WhatsApp error 131049\b/, {
		en: 'WhatsApp held the message back, so that the customer does not get too many. Do not send it again at once.',
		ar: 'حجب واتساب الرسالة كي لا يتلقى العميل رسائل كثيرة. لا ترسلها من جديد فورًا.'}],
	[/WhatsApp error 131051\b/, {
		en: 'The recipient cannot be sent this kind of message.',
		ar: 'لا يمكن إرسال هذا النوع من الرسائل إلى المستلم.'}],
	[/WhatsApp error (3|10|190|2\d\d|131005)\b/, {
		en: 'The token of the connection has expired or lacks a permission. An administrator has to renew it.',
		ar: 'انتهت صلاحية رمز الاتصال أو تنقصه صلاحية. على المسؤول تجديده.'}],
	[/WhatsApp error 131042\b/, {
		en: 'WhatsApp could not charge the account. Correct the payment there, then retry.',
		ar: 'لم يتمكن واتساب من تحصيل المبلغ من الحساب. صحّح طريقة الدفع هناك ثم أعد المحاولة.'}],
	[/WhatsApp error (33|368|131031|133010)\b/, {
		en: 'The account or the number is blocked or not registered at WhatsApp.',
		ar: 'الحساب أو الرقم محظور أو غير مسجّل لدى واتساب.'}],

	// mail
	[/^(SMTP )?5(30|35)\b/, {
		en: 'The mail server refused the login. An administrator has to correct the name or the password of the connection.',
		ar: 'رفض خادم البريد تسجيل الدخول. على المسؤول تصحيح الاسم أو كلمة المرور في الاتصال.'}],
	[/^(SMTP )?(550[ -]|55\d[ -]5\.1\.)/, {
		en: 'There is no such mailbox, or the server does not take this mail. Look at the address.',
		ar: 'لا يوجد صندوق بريد كهذا، أو أن الخادم لا يقبل هذه الرسالة. راجع العنوان.'}],
	[/^(SMTP )?[45]52\b/, {
		en: 'The recipient’s mailbox is full, or the mail is too large.',
		ar: 'صندوق بريد المستلم ممتلئ، أو أن الرسالة كبيرة جدًا.'}],
	[/^(SMTP )?554\b/, {
		en: 'The mail server refused the mail, for instance as spam. Its words say why.',
		ar: 'رفض خادم البريد الرسالة، كأن يعدّها مزعجة. يذكر نص الخطأ السبب.'}],
	[/^(SMTP )?4\d\d[ -]/, {
		en: 'The mail server does not take it for now. Retry later.',
		ar: 'لا يقبلها خادم البريد الآن. أعد المحاولة لاحقًا.'}],
	[/^(SMTP )?5\d\d[ -]/, {
		en: 'The mail server will not take this mail. Its words say why.',
		ar: 'لن يقبل خادم البريد هذه الرسالة. يذكر نص الخطأ السبب.'}],
	[/offers no login|STARTTLS not supported/, {
		en: 'The mail server cannot do what the connection asks for: a login, or encryption. Nothing was sent.',
		ar: 'لا يوفر خادم البريد ما يطلبه الاتصال: تسجيل دخول أو تشفير. لم يُرسل شيء.'}],
	[/the mail server/, {
		en: 'The mail server ended the conversation before the mail had left. Retry later.',
		ar: 'أنهى خادم البريد المحادثة قبل خروج الرسالة. أعد المحاولة لاحقًا.'}],

	// Slack and Teams
	[/Slack: rate_?limited|Teams: .*(HTTP 429)|HTTP error 429/, {
		en: 'Too many messages to this channel for now. Wait, then retry.',
		ar: 'رسائل كثيرة إلى هذه القناة الآن. انتظر ثم أعد المحاولة.'}],
	[/Slack: (not_in_channel|channel_not_found|is_archived|channel_is_archived)|^channel_is_archived/, {
		en: 'The channel is not there, or the bot is not in it. Correct the channel, or invite the bot.',
		ar: 'القناة غير موجودة، أو أن البوت ليس فيها. صحّح القناة أو ادعُ البوت إليها.'}],
	[/Slack: (invalid_auth|token_revoked|account_inactive|not_authed|token_expired)/, {
		en: 'Slack no longer takes the token. An administrator has to put a new one into the connection.',
		ar: 'لم يعد Slack يقبل الرمز. على المسؤول وضع رمز جديد في الاتصال.'}],
	[/Slack: missing_scope/, {
		en: 'The Slack app lacks a permission: add the one that the error names, and install the app again.',
		ar: 'تنقص تطبيق Slack صلاحية: أضف التي يذكرها الخطأ ثم ثبّت التطبيق من جديد.'}],
	[/Slack: no_service|Teams: .*HTTP (401|404)/, {
		en: 'The address of the channel is not valid any more. Copy it anew into the connection.',
		ar: 'لم يعد عنوان القناة صالحًا. انسخه من جديد إلى الاتصال.'}],
	[/WorkflowTriggerIsNotEnabled/, {
		en: 'The workflow in Teams is turned off. Turn it on there, then retry.',
		ar: 'مسار العمل في Teams معطّل. فعّله هناك ثم أعد المحاولة.'}],
	[/^(Slack|Teams): /, {
		en: 'The chat did not take the message; its word says why.',
		ar: 'لم تقبل خدمة المحادثة الرسالة. يذكر نص الخطأ السبب.'}],

	// requests
	[/asks to wait for longer/, {
		en: 'The other side kept asking to wait, for longer than is allowed. Retry later.',
		ar: 'ظل الطرف الآخر يطلب الانتظار أكثر من المسموح. أعد المحاولة لاحقًا.'}],
	[/^token request: HTTP 4/, {
		en: 'The other side refused to give a token. An administrator has to correct the credentials of the connection.',
		ar: 'رفض الطرف الآخر إعطاء رمز. على المسؤول تصحيح بيانات الدخول في الاتصال.'}],
	[/^token request/, {
		en: 'A token could not be had, so the step was not sent. Retry later.',
		ar: 'تعذّر الحصول على رمز، فلم تُرسل الخطوة. أعد المحاولة لاحقًا.'}],
	[/^Could not resolve host/i, {
		en: 'The name of the server is not known. Nothing was sent. Look at the address in the connection.',
		ar: 'اسم الخادم غير معروف. لم يُرسل شيء. راجع العنوان في الاتصال.'}],
	[/^(Failed to connect|could not connect)/i, {
		en: 'There was no connection to the server. Nothing was sent. Retry when it is there again.',
		ar: 'لم يكن هناك اتصال بالخادم. لم يُرسل شيء. أعد المحاولة عندما يعود.'}],
	[/^SSL/, {
		en: 'The server’s certificate is not trusted. Nothing was sent.',
		ar: 'شهادة الخادم غير موثوقة. لم يُرسل شيء.'}],
	[/are not allowed \(workflow_engine\.allowed_hosts/, {
		en: 'This server may not be reached from here. An administrator can allow it in workflow_engine.allowed_hosts.',
		ar: 'لا يُسمح بالوصول إلى هذا الخادم من هنا. يستطيع المسؤول السماح به في workflow_engine.allowed_hosts.'}],
	[/^HTTP (401|403)\b/, {
		en: 'The server refused the credentials or the permission. Look at the connection.',
		ar: 'رفض الخادم بيانات الدخول أو الصلاحية. راجع الاتصال.'}],
	[/^HTTP (404|410)\b/, {
		en: 'The server knows no such thing at this address. Look at the path and at the values in it.',
		ar: 'لا يعرف الخادم شيئًا كهذا في هذا العنوان. راجع المسار والقيم التي فيه.'}],
	[/^HTTP 429\b/, {
		en: 'Too many requests for now. Wait, then retry.',
		ar: 'استدعاءات كثيرة الآن. انتظر ثم أعد المحاولة.'}],
	[/^HTTP (408|425|502|503|504)\b/, {
		en: 'The server is overloaded or down for now. Retry later.',
		ar: 'الخادم تحت ضغط كبير أو متوقف الآن. أعد المحاولة لاحقًا.'}],
	[/^HTTP 5\d\d\b/, {
		en: 'Something went wrong in the server. Those who look after it need its answer below.',
		ar: 'حدث خطأ داخل الخادم. يحتاج القائمون عليه إلى الرد أدناه.'}],
	[/^HTTP 3\d\d\b|^more than \d+ redirects/, {
		en: 'The server sends the request elsewhere, which is not followed. Correct the address.',
		ar: 'يحوّل الخادم الاستدعاء إلى مكان آخر، ولا يُتبع التحويل. صحّح العنوان.'}],
	[/^HTTP 4\d\d\b/, {
		en: 'The server refused what was sent; its answer says why. Trying the same again will not help.',
		ar: 'رفض الخادم ما أُرسل، وفي ردّه السبب. إعادة المحاولة كما هي لن تفيد.'}],
	[/^the response (is over|headers|has more)|^a response header/, {
		en: 'The answer was larger than is allowed.',
		ar: 'كان الرد أكبر من المسموح.'}],
	[/^connection ".*" does not exist/, {
		en: 'There is no connection of this name. Correct the name in the step, or make the connection.',
		ar: 'لا يوجد اتصال بهذا الاسم. صحّح الاسم في الخطوة أو أنشئ الاتصال.'}],
	[/^the credentials of connection/, {
		en: 'The address is not the one of the connection, so its credentials were not sent.',
		ar: 'العنوان ليس عنوان الاتصال، فلم تُرسل بيانات دخوله.'}],
	[/was cut \(workflow_engine\.max_output/, {
		en: 'An earlier step’s answer was too long to be kept whole, and this step needs the rest.',
		ar: 'كان رد خطوة سابقة أطول من أن يُحفظ كله، وهذه الخطوة تحتاج إلى بقيته.'}],
	[/is not known\b/, {
		en: 'The step needs a value that this event does not have. Run it again with changed data, or change the step.',
		ar: 'تحتاج الخطوة إلى قيمة ليست في هذا الحدث. نفّذه من جديد ببيانات معدّلة، أو عدّل الخطوة.'}],

	// the database
	[/permission denied/i, {
		en: 'The role that the workflow works with has lost a right. The error names it.',
		ar: 'فقد الدور الذي يعمل به مسار العمل إحدى صلاحياته. يذكر الخطأ اسمها.'}],
	[/violates (unique|exclusion) constraint/, {
		en: 'There is such a row already: it may have been done before.',
		ar: 'يوجد صف كهذا من قبل: ربما تم ذلك سابقًا.'}],
	[/violates foreign key constraint/, {
		en: 'Something that the row refers to is not there.',
		ar: 'يشير الصف إلى شيء غير موجود.'}],
	[/violates (check|not-null) constraint/, {
		en: 'The table does not accept the value.',
		ar: 'لا يقبل الجدول هذه القيمة.'}],
	[/(statement|lock) timeout/, {
		en: 'The database took too long, as a rule because somebody else was changing the same rows. Retry.',
		ar: 'استغرقت قاعدة البيانات وقتًا طويلًا، وغالبًا لأن أحدًا كان يغيّر الصفوف نفسها. أعد المحاولة.'}],
	[/(relation|column|table|function) .* does not exist/, {
		en: 'A table or a column that the step names is not there any more.',
		ar: 'تذكر الخطوة جدولًا أو عمودًا لم يعد موجودًا.'}],
];

// The sentence for an error of a step in a language, or null.
export function meaning(error, language) {
	return meanings.find(([pattern]) => pattern.test(error))?.[1][language] ?? null;
}
